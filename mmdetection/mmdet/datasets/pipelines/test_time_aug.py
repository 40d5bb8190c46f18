"""Test-time augmentation: several sizes and flips of one image."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.image.checks import require
from mmdet.datasets.pipelines.compose import Compose
from mmdet.registry import PIPELINES


@PIPELINES.register_module()
class MultiScaleFlipAug:
    """Runs steps once per view; each entry of the result is a list with one value per view.

    Views come scale by scale: unflipped, then flipped in each direction.

    Args:
        transforms: the steps; Resize takes each view's scale, RandomFlip its flip.
        img_scale: one scale or a list; exactly one of img_scale and scale_factor is given.
        scale_factor: factor(s) of the image's own size.
        flip: add flipped views.
        flip_direction: one or a list.
    """

    def __init__(
        self,
        transforms: Sequence[Any],
        img_scale: tuple[int, int] | list[tuple[int, int]] | None = None,
        scale_factor: float | list[float] | None = None,
        flip: bool = False,
        flip_direction: str | list[str] = "horizontal",
    ) -> None:
        self.transforms = Compose(transforms)
        require(
            (img_scale is None) ^ (scale_factor is None),
            "Must have but only one variable can be set: img_scale or scale_factor",
        )
        scales: Any = scale_factor if img_scale is None else img_scale
        self.scale_key = "scale_factor" if img_scale is None else "scale"
        self.img_scale: list[Any] = scales if isinstance(scales, list) else [scales]
        if img_scale is not None:
            require(
                all(isinstance(scale, tuple) for scale in self.img_scale),
                f"img_scale must be a tuple of two lengths or a list of such, not {img_scale!r}",
            )
        self.flip = flip
        directions = flip_direction if isinstance(flip_direction, list) else [flip_direction]
        require(
            all(isinstance(direction, str) for direction in directions),
            f"flip_direction must be a name or a list of names, but got {flip_direction!r}",
        )
        self.flip_direction = directions
        if not flip and directions != ["horizontal"]:
            warnings.warn("flip_direction has no effect when flip is set to False", stacklevel=2)
        types = [step.get("type") for step in transforms if isinstance(step, Mapping)]
        if flip and "RandomFlip" not in types:
            warnings.warn("flip has no effect when RandomFlip is not in transforms", stacklevel=2)

    def __call__(self, results: dict[str, Any]) -> dict[str, list[Any]]:
        """Returns the views of the sample, entry by entry."""
        flips: list[tuple[bool, str | None]] = [(False, None)]
        if self.flip:
            flips += [(True, direction) for direction in self.flip_direction]
        views = [
            self.transforms(
                {**results, self.scale_key: scale, "flip": flip, "flip_direction": direction}
            )
            for scale in self.img_scale
            for flip, direction in flips
        ]
        return {key: [view[key] for view in views] for key in views[0]}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transforms={self.transforms}, img_scale={self.img_scale}, "
            f"flip={self.flip}, flip_direction={self.flip_direction})"
        )
