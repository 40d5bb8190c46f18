"""Cutting regions out of images, and masking regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmcv.image.checks import require


def bbox_clip(bboxes: np.ndarray, img_shape: tuple[int, ...]) -> np.ndarray:
    """Clips boxes to an image.

    Args:
        bboxes: (..., 4 k) x1 y1 x2 y2 in pixels, inclusive.
        img_shape: height, width.
    """
    require(bboxes.shape[-1] % 4 == 0, f"bboxes must be (..., 4 k), but got {bboxes.shape}")
    limit = np.empty(bboxes.shape[-1], dtype=bboxes.dtype)
    limit[0::2] = img_shape[1] - 1
    limit[1::2] = img_shape[0] - 1
    return np.maximum(np.minimum(bboxes, limit), 0)


def bbox_scaling(
    bboxes: np.ndarray, scale: float, clip_shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Scales boxes about their centres.

    Args:
        bboxes: (..., 4) x1 y1 x2 y2 in pixels, inclusive.
        scale: factor.
        clip_shape: height, width of the image to clip to.
    """
    if float(scale) == 1.0:
        scaled = bboxes.copy()
    else:
        dw = ((bboxes[..., 2] - bboxes[..., 0] + 1) * (scale - 1)) * 0.5
        dh = ((bboxes[..., 3] - bboxes[..., 1] + 1) * (scale - 1)) * 0.5
        scaled = bboxes + np.stack((-dw, -dh, dw, dh), axis=-1)
    return scaled if clip_shape is None else bbox_clip(scaled, clip_shape)


def imcrop(
    img: np.ndarray,
    bboxes: np.ndarray,
    scale: float = 1.0,
    pad_fill: float | Sequence[float] | None = None,
) -> np.ndarray | list[np.ndarray]:
    """Crops boxes out of an image.

    Args:
        img: (H, W) or (H, W, C).
        bboxes: (4,) or (n, 4) x1 y1 x2 y2 in pixels, inclusive.
        scale: scales the boxes first.
        pad_fill: value, or one per channel, of what lies outside the image; None: boxes are
            clipped to the image.

    Returns:
        One patch for one box, a list of patches for (n, 4).
    """
    channels = 1 if img.ndim == 2 else img.shape[2]
    fill = [pad_fill] * channels if isinstance(pad_fill, (int, float)) else pad_fill
    if fill is not None:
        require(len(fill) == channels, f"pad_fill has {len(fill)} values, not {channels}")
    boxes = bboxes[None, ...] if bboxes.ndim == 1 else bboxes
    boxes = bbox_scaling(boxes, scale).astype(np.int32)
    patches = [_crop_one(img, box, fill) for box in boxes]
    return patches[0] if bboxes.ndim == 1 else patches


def _crop_one(img: np.ndarray, box: np.ndarray, fill: Sequence[float] | None) -> np.ndarray:
    x1, y1, x2, y2 = (int(v) for v in bbox_clip(box, img.shape))
    inside = img[y1 : y2 + 1, x1 : x2 + 1, ...]
    if fill is None:
        return inside
    left, top, right, bottom = (int(v) for v in box)
    shape = (bottom - top + 1, right - left + 1, *img.shape[2:])
    patch = np.array(fill, dtype=img.dtype) * np.ones(shape, dtype=img.dtype)
    x0, y0 = max(-left, 0), max(-top, 0)
    patch[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1], ...] = inside
    return patch


def cutout(
    img: np.ndarray, shape: int | tuple[int, int], pad_val: float | tuple[float, ...] = 0
) -> np.ndarray:
    """Fills a rectangle at a random place (Cutout, DeVries and Taylor, 2017, arXiv:1708.04552).

    Args:
        img: (H, W) or (H, W, C); it is not changed.
        shape: height, width of the rectangle, or the side of a square.
        pad_val: value, or one per channel.
    """
    channels = 1 if img.ndim == 2 else img.shape[2]
    if not isinstance(shape, int):
        require(
            isinstance(shape, tuple) and len(shape) == 2,
            f"shape must be a int or a tuple with length 2, but got type {type(shape)} instead.",
        )
    cut_h, cut_w = (shape, shape) if isinstance(shape, int) else shape
    if not isinstance(pad_val, (int, float, tuple)):
        raise TypeError(f"Invalid type {type(pad_val)} for `pad_val`")
    fill = pad_val if isinstance(pad_val, tuple) else (pad_val,) * channels
    require(len(fill) == channels, f"pad_val has {len(fill)} values for {channels} channels")

    img_h, img_w = img.shape[:2]
    # Between the size and 1: the arithmetic of 1.x, which passed the size as the lower bound.
    y0 = img_h + (1.0 - img_h) * np.random.random_sample()
    x0 = img_w + (1.0 - img_w) * np.random.random_sample()
    y1, x1 = int(max(0, y0 - cut_h / 2.0)), int(max(0, x0 - cut_w / 2.0))
    y2, x2 = min(img_h, y1 + cut_h), min(img_w, x1 + cut_w)

    result = img.copy()
    result[y1:y2, x1:x2, ...] = fill if img.ndim == 3 else fill[0]
    return result
