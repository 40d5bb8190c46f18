"""Four images in one (mosaic of YOLOv4, arXiv:2004.10934)."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np

from mmcv.image import imresize
from mmcv.image.checks import require
from mmcv.registry import PIPELINES

# Left, top, right, bottom of a rectangle in pixels; right and bottom exclusive.
Box = tuple[int, int, int, int]


@PIPELINES.register_module()
class RandomMosaic:
    """Puts the sample and three others around a random centre; a step of MultiImageMixDataset.

    The result is twice as high and wide as ``img_scale``.

    Args:
        prob: chance of a mosaic.
        img_scale: (height, width) into which each image is fitted.
        center_ratio_range: of the centre, as a factor of img_scale.
        pad_val: of pixels that no image covers.
        seg_pad_val: of their labels.
    """

    def __init__(
        self,
        prob: float,
        img_scale: tuple[int, int] = (640, 640),
        center_ratio_range: tuple[float, float] = (0.5, 1.5),
        pad_val: float = 0,
        seg_pad_val: int = 255,
    ) -> None:
        require(0 <= prob <= 1, f"prob must be in 0..1, but got {prob}")
        require(isinstance(img_scale, tuple), f"img_scale must be a tuple, but got {img_scale!r}")
        self.prob = prob
        self.img_scale = img_scale
        self.center_ratio_range = center_ratio_range
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Combines img and label maps; sets img_shape and ori_shape."""
        if np.random.rand() >= self.prob:
            return results
        require("mix_results" in results, "RandomMosaic works in a MultiImageMixDataset only")
        center_x = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[1])
        center_y = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[0])
        samples = [results, *results["mix_results"]]
        for key in results.get("seg_fields", []):
            maps = [sample[key] for sample in samples]
            results[key] = self._combine(
                maps, (center_x, center_y), fill=self.seg_pad_val, interpolation="nearest"
            )
        images = [sample["img"] for sample in samples]
        results["img"] = self._combine(
            images, (center_x, center_y), fill=self.pad_val, interpolation="bilinear"
        )
        results["img_shape"] = results["ori_shape"] = results["img"].shape
        return results

    def get_indexes(self, dataset: Sized) -> list[int]:
        """Draws the three other samples."""
        return [np.random.randint(0, len(dataset)) for _ in range(3)]

    def _combine(
        self, parts: list[np.ndarray], center: tuple[int, int], *, fill: float, interpolation: str
    ) -> np.ndarray:
        """Pastes four arrays: top left, top right, bottom left, bottom right of the centre."""
        height, width = self.img_scale
        shape = (int(height * 2), int(width * 2), *parts[0].shape[2:])
        mosaic = np.full(shape, fill, dtype=parts[0].dtype)
        for quarter, part in enumerate(parts[:4]):
            h, w = part.shape[:2]
            scale = min(height / h, width / w)
            size = (int(w * scale), int(h * scale))
            resized = imresize(part, size, interpolation=interpolation)
            (x1, y1, x2, y2), (left, top, right, bottom) = paste_and_crop(
                center, size, (shape[1], shape[0]), quarter
            )
            mosaic[y1:y2, x1:x2] = resized[top:bottom, left:right]
        return mosaic

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(prob={self.prob}, img_scale={self.img_scale}, "
            f"center_ratio_range={self.center_ratio_range}, pad_val={self.pad_val}, "
            f"seg_pad_val={self.seg_pad_val})"
        )


def paste_and_crop(
    center: tuple[int, int], size: tuple[int, int], canvas: tuple[int, int], quarter: int
) -> tuple[Box, Box]:
    """Returns where a part of ``size`` goes on the canvas, and which region of the part goes there.

    Args:
        center: x, y where the four parts meet.
        size: width, height of the part.
        canvas: width, height of the mosaic.
        quarter: 0 top left, 1 top right, 2 bottom left, 3 bottom right.
    """
    x1, x2, left, right = _along_axis(center[0], size[0], canvas[0], before=quarter % 2 == 0)
    y1, y2, top, bottom = _along_axis(center[1], size[1], canvas[1], before=quarter < 2)
    return (x1, y1, x2, y2), (left, top, right, bottom)


def _along_axis(center: int, size: int, limit: int, *, before: bool) -> Box:
    """Returns start and end on the canvas, start and end in the part; it touches the centre."""
    if before:
        start = max(center - size, 0)
        return start, center, size - (center - start), size
    end = min(center + size, limit)
    return center, end, 0, min(size, end - center)
