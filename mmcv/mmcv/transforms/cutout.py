"""Hiding parts of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.registry import PIPELINES

Candidates = tuple[float, float] | list[tuple[float, float]]


@PIPELINES.register_module()
class RandomCutOut:
    """Fills rectangles at random places (Cutout, DeVries and Taylor, 2017, arXiv:1708.04552).

    Args:
        prob: chance that an image gets holes.
        n_holes: their number, or (lowest, highest).
        cutout_shape: (width, height) of a hole in pixels, or a list to choose from; exactly one of
            cutout_shape and cutout_ratio is given.
        cutout_ratio: (width, height) relative to the image, or a list to choose from.
        fill_in: colour of the holes.
        seg_fill_in: label of the holes; None: labels stay.
    """

    def __init__(
        self,
        prob: float,
        n_holes: int | tuple[int, int],
        cutout_shape: Candidates | None = None,
        cutout_ratio: Candidates | None = None,
        fill_in: tuple[float, ...] = (0, 0, 0),
        seg_fill_in: int | None = None,
    ) -> None:
        require(0 <= prob <= 1, f"prob must be in 0..1, but got {prob}")
        require(
            (cutout_shape is None) ^ (cutout_ratio is None),
            "Either cutout_shape or cutout_ratio should be specified.",
        )
        candidates = cutout_shape if cutout_ratio is None else cutout_ratio
        require(
            isinstance(candidates, (list, tuple)),
            f"cutout_shape or cutout_ratio must be a tuple or a list, but got {candidates!r}",
        )
        if isinstance(n_holes, tuple):
            require(
                len(n_holes) == 2 and 0 <= n_holes[0] < n_holes[1],
                f"n_holes must be a number or (lowest, highest), but got {n_holes!r}",
            )
        require(
            seg_fill_in is None or (isinstance(seg_fill_in, int) and 0 <= seg_fill_in <= 255),
            f"seg_fill_in must be a label in 0..255 or None, but got {seg_fill_in!r}",
        )
        self.prob = prob
        self.n_holes = n_holes if isinstance(n_holes, tuple) else (n_holes, n_holes)
        self.fill_in = fill_in
        self.seg_fill_in = seg_fill_in
        self.with_ratio = cutout_ratio is not None
        self.candidates: list[Any] = candidates if isinstance(candidates, list) else [candidates]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Fills holes, in place."""
        if np.random.rand() >= self.prob:
            return results
        return self.fill_holes(results)

    def fill_holes(self, results: dict[str, Any]) -> dict[str, Any]:
        """Fills holes without drawing whether to, in place."""
        h, w = results["img"].shape[:2]
        for _ in range(np.random.randint(self.n_holes[0], self.n_holes[1] + 1)):
            x1, y1 = np.random.randint(0, w), np.random.randint(0, h)
            cut_w, cut_h = self.candidates[np.random.randint(0, len(self.candidates))]
            if self.with_ratio:
                cut_w, cut_h = int(cut_w * w), int(cut_h * h)
            hole = (slice(y1, min(y1 + cut_h, h)), slice(x1, min(x1 + cut_w, w)))
            results["img"][hole] = self.fill_in
            if self.seg_fill_in is not None:
                for key in results.get("seg_fields", []):
                    results[key][hole] = self.seg_fill_in
        return results

    def __repr__(self) -> str:
        kind = "cutout_ratio" if self.with_ratio else "cutout_shape"
        return (
            f"{type(self).__name__}(prob={self.prob}, n_holes={self.n_holes}, "
            f"{kind}={self.candidates}, fill_in={self.fill_in}, seg_fill_in={self.seg_fill_in})"
        )
