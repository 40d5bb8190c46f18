"""mmcv's Resize, RandomFlip and Pad with the arguments of detection, and shifting."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.transforms import Pad as _Pad
from mmcv.transforms import RandomFlip as _RandomFlip
from mmcv.transforms import Resize as _Resize
from mmcv.transforms import SegRescale
from mmdet.datasets.pipelines.fields import clip_boxes, keep_objects
from mmdet.registry import PIPELINES

__all__ = ["Pad", "RandomFlip", "RandomShift", "Resize", "SegRescale"]


@PIPELINES.register_module()
class Resize(_Resize):
    """Resizes image, boxes, masks and label maps; see mmcv.transforms.Resize.

    Args:
        img_scale: one scale or a list of such.
        multiscale_mode: "range" or "value".
        ratio_range: factor of the one scale.
        keep_ratio: keep the aspect ratio.
        bbox_clip_border: clip boxes to the image.
        backend: "cv2" or "pillow".
        interpolation: of images.
        override: draw anew in a second Resize of the same pipeline.
    """

    def __init__(
        self,
        img_scale: Any = None,
        multiscale_mode: str = "range",
        ratio_range: tuple[float, float] | None = None,
        keep_ratio: bool = True,
        bbox_clip_border: bool = True,
        backend: str = "cv2",
        interpolation: str = "bilinear",
        override: bool = False,
    ) -> None:
        super().__init__(
            img_scale,
            multiscale_mode,
            ratio_range,
            keep_ratio,
            bbox_clip_border=bbox_clip_border,
            backend=backend,
            interpolation=interpolation,
            override=override,
        )

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resizes every field; sets scale, scale_factor, img_shape, pad_shape and keep_ratio."""
        factor = results.get("scale_factor")
        if "scale" not in results and factor is not None:  # of MultiScaleFlipAug(scale_factor=)
            require(isinstance(factor, float), f"scale_factor must be a float, not {factor!r}")
            h, w = results["img"].shape[:2]
            results["scale"] = (int(w * factor), int(h * factor))
        elif "scale" in results and not self.override:
            require(
                factor is None,
                "scale and scale_factor cannot be both set: is this the second Resize of the"
                " pipeline? Then it needs override=True",
            )
        return super().__call__(results)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, bbox_clip_border={self.bbox_clip_border})"


@PIPELINES.register_module()
class RandomFlip(_RandomFlip):
    """Flips image, boxes, masks and label maps by chance; see mmcv.transforms.RandomFlip.

    Args:
        flip_ratio: chance of a flip; a list gives one chance per direction.
        direction: "horizontal", "vertical", "diagonal", or a list to choose from.
    """

    def __init__(
        self,
        flip_ratio: float | list[float] | None = None,
        direction: str | list[str] = "horizontal",
    ) -> None:
        super().__init__(direction=direction, flip_ratio=flip_ratio)
        self.flip_ratio = flip_ratio

    def __repr__(self) -> str:
        return f"{type(self).__name__}(flip_ratio={self.flip_ratio})"


@PIPELINES.register_module()
class Pad(_Pad):
    """Pads right and bottom; see mmcv.transforms.Pad.

    Args:
        size: (height, width).
        size_divisor: of height and width.
        pad_to_square: pad the shorter side to the longer.
        pad_val: ``dict(img=, masks=, seg=)``; a number is that of images and masks.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        size_divisor: int | None = None,
        pad_to_square: bool = False,
        pad_val: float | Mapping[str, Any] = {"img": 0, "masks": 0, "seg": 255},
    ) -> None:
        if isinstance(pad_val, (float, int)):
            pad_val = {"img": pad_val, "masks": pad_val, "seg": 255}
            warnings.warn(
                f"pad_val of float type is deprecated now, please use pad_val={pad_val} instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(size, size_divisor, pad_val, pad_to_square=pad_to_square)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, pad_to_square={self.pad_to_square})"


@PIPELINES.register_module()
class RandomShift:
    """Shifts image and boxes by some pixels, by chance (YOLOF); masks are not.

    Args:
        shift_ratio: chance of a shift.
        max_shift_px: largest shift along each axis.
        filter_thr_px: boxes of at most this width or height afterwards are dropped.
    """

    def __init__(
        self, shift_ratio: float = 0.5, max_shift_px: int = 32, filter_thr_px: int = 1
    ) -> None:
        require(0 <= shift_ratio <= 1, f"shift_ratio must be in 0..1, but got {shift_ratio}")
        require(max_shift_px >= 0, f"max_shift_px must not be negative: {max_shift_px}")
        self.shift_ratio = shift_ratio
        self.max_shift_px = max_shift_px
        self.filter_thr_px = int(filter_thr_px)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Shifts, unless no box would be left."""
        if np.random.random() >= self.shift_ratio:
            return results
        shift_x = np.random.randint(-self.max_shift_px, self.max_shift_px)
        shift_y = np.random.randint(-self.max_shift_px, self.max_shift_px)
        h, w = results["img"].shape[:2]
        for key in results.get("bbox_fields", []):
            boxes = results[key].copy()
            boxes[..., 0::2] += shift_x
            boxes[..., 1::2] += shift_y
            clip_boxes(boxes, h, w)
            kept = ((boxes[..., 2:] - boxes[..., :2]) > self.filter_thr_px).all(axis=-1)
            if key == "gt_bboxes" and not kept.any():
                return results
            results[key] = boxes
            keep_objects(results, key, kept)
        for key in results.get("img_fields", ["img"]):
            results[key] = _shifted(results[key], shift_x, shift_y)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_shift_px={self.max_shift_px}, )"


def _shifted(img: np.ndarray, x: int, y: int) -> np.ndarray:
    shifted = np.zeros_like(img)
    h, w = img.shape[0] - abs(y), img.shape[1] - abs(x)
    new_x, old_x, new_y, old_y = max(0, x), max(0, -x), max(0, y), max(0, -y)
    shifted[new_y : new_y + h, new_x : new_x + w] = img[old_y : old_y + h, old_x : old_x + w]
    return shifted
