"""Shearing and translating."""

from __future__ import annotations

import cv2
import numpy as np

from mmcv.image.checks import require
from mmcv.image.geometric import cv2_interp_codes


def imshear(
    img: np.ndarray,
    magnitude: float,
    direction: str = "horizontal",
    border_value: int | tuple[int, ...] = 0,
    interpolation: str = "bilinear",
) -> np.ndarray:
    """Shears; the result has the size of the image.

    Args:
        img: (H, W) or (H, W, C).
        magnitude: shift in pixels per row ("horizontal") or per column ("vertical").
        direction: "horizontal" or "vertical".
        border_value: fill, one value or one per channel.
        interpolation: see imresize.
    """
    _check_direction(direction)
    matrix = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    matrix[(0, 1) if direction == "horizontal" else (1, 0)] = magnitude
    return _warp(img, matrix, border_value, interpolation)


def imtranslate(
    img: np.ndarray,
    offset: float,
    direction: str = "horizontal",
    border_value: int | tuple[int, ...] = 0,
    interpolation: str = "bilinear",
) -> np.ndarray:
    """Shifts by ``offset`` pixels to the right or downwards; see imshear."""
    _check_direction(direction)
    matrix = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    matrix[(0, 2) if direction == "horizontal" else (1, 2)] = offset
    return _warp(img, matrix, border_value, interpolation)


def _check_direction(direction: str) -> None:
    require(
        direction in ("horizontal", "vertical"),
        f"direction must be horizontal or vertical, but got {direction!r}",
    )


def _warp(
    img: np.ndarray, matrix: np.ndarray, border_value: int | tuple[int, ...], interpolation: str
) -> np.ndarray:
    channels = 1 if img.ndim == 2 else img.shape[-1]
    if not isinstance(border_value, (int, tuple)):
        raise ValueError(f"Invalid type {type(border_value)} for `border_value`")
    fill = border_value if isinstance(border_value, tuple) else (border_value,) * channels
    require(len(fill) == channels, f"border_value has {len(fill)} values for {channels} channels")
    height, width = img.shape[:2]
    return cv2.warpAffine(
        img,
        matrix,
        (width, height),
        # OpenCV takes at most four values; stacks of masks have more channels than that.
        borderValue=fill[:3],
        flags=cv2_interp_codes[interpolation],
    )
