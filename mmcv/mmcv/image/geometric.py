"""Resizing, flipping, rotating, cropping, padding and shifting of images and label maps."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mmcv.image.checks import require
from mmcv.image.io import current_backend

cv2_interp_codes = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}

pillow_interp_codes = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
    "hamming": Image.Resampling.HAMMING,
}

cv2_border_modes = {
    "constant": cv2.BORDER_CONSTANT,
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
    "reflect_101": cv2.BORDER_REFLECT_101,
    "transparent": cv2.BORDER_TRANSPARENT,
    "isolated": cv2.BORDER_ISOLATED,
}

_pad_modes = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
}

_flip_axes = {"horizontal": 1, "vertical": 0, "diagonal": (0, 1)}
_cv2_flip_codes = {"horizontal": 1, "vertical": 0, "diagonal": -1}


def imresize(
    img: np.ndarray,
    size: tuple[int, int],
    return_scale: bool = False,
    interpolation: str = "bilinear",
    out: np.ndarray | None = None,
    backend: str | None = None,
) -> Any:
    """Resizes to an exact size.

    Args:
        img: (H, W) or (H, W, C).
        size: width, height.
        return_scale: return the factors too.
        interpolation: "nearest", "bilinear", "bicubic", "area" or "lanczos" (pillow also "box"
            and "hamming", but not "area").
        out: array that receives the result (cv2 only).
        backend: "cv2" or "pillow"; None: the one chosen with use_backend.

    Returns:
        The image, or (image, width factor, height factor).
    """
    h, w = img.shape[:2]
    if current_backend(backend, ("cv2", "pillow")) == "pillow":
        require(img.dtype == np.uint8, "the pillow backend resizes uint8 images only")
        resized = np.array(Image.fromarray(img).resize(size, pillow_interp_codes[interpolation]))
    else:
        code = cv2_interp_codes[interpolation]
        resized = cv2.resize(img, size, dst=out, interpolation=code)
    if not return_scale:
        return resized
    return resized, size[0] / w, size[1] / h


def imresize_to_multiple(
    img: np.ndarray,
    divisor: int | tuple[int, int],
    size: int | tuple[int, int] | None = None,
    scale_factor: float | tuple[float, float] | None = None,
    keep_ratio: bool = False,
    return_scale: bool = False,
    interpolation: str = "bilinear",
    out: np.ndarray | None = None,
    backend: str | None = None,
) -> Any:
    """Resizes to ``size`` or by ``scale_factor``, rounded up to multiples of ``divisor``.

    Args:
        img: (H, W) or (H, W, C).
        divisor: of width and height.
        size: width, height; exactly one of ``size`` and ``scale_factor`` is given.
        scale_factor: for width and height.
        keep_ratio: fit the image into ``size`` before rounding.
        return_scale: see imresize, as the other arguments.
    """
    h, w = img.shape[:2]
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        wanted = _pair(size)
        if keep_ratio:
            wanted = rescale_size((w, h), wanted)
    elif scale_factor is not None:
        wanted = _scale_size((w, h), scale_factor)
    else:
        raise ValueError("one of size or scale_factor should be defined")
    new_w, new_h = (int(np.ceil(s / d)) * d for s, d in zip(wanted, _pair(divisor), strict=True))
    return imresize(img, (new_w, new_h), return_scale, interpolation, out=out, backend=backend)


def imresize_like(
    img: np.ndarray,
    dst_img: np.ndarray,
    return_scale: bool = False,
    interpolation: str = "bilinear",
    backend: str | None = None,
) -> Any:
    """Resizes to the size of ``dst_img``; see imresize."""
    h, w = dst_img.shape[:2]
    return imresize(img, (w, h), return_scale, interpolation, backend=backend)


def rescale_size(old_size: tuple[int, int], scale: Any, return_scale: bool = False) -> Any:
    """Computes the size of an image rescaled with its aspect ratio kept.

    Args:
        old_size: width, height.
        scale: a factor, or a tuple of two lengths in any order: the longer bounds the longer
            edge, the shorter the shorter edge, and the result is as large as both allow.
        return_scale: return the factor too.

    Returns:
        (width, height), or ((width, height), factor).
    """
    w, h = old_size
    if isinstance(scale, (float, int)):
        if scale <= 0:
            raise ValueError(f"Invalid scale {scale}, must be positive.")
        factor = scale
    elif isinstance(scale, tuple):
        factor = min(max(scale) / max(h, w), min(scale) / min(h, w))
    else:
        raise TypeError(f"Scale must be a number or tuple of int, but got {type(scale)}")
    new_size = _scale_size((w, h), factor)
    return (new_size, factor) if return_scale else new_size


def imrescale(
    img: np.ndarray,
    scale: Any,
    return_scale: bool = False,
    interpolation: str = "bilinear",
    backend: str | None = None,
) -> Any:
    """Resizes with the aspect ratio kept; see rescale_size for ``scale``, imresize for the rest."""
    h, w = img.shape[:2]
    new_size, factor = rescale_size((w, h), scale, return_scale=True)
    rescaled = imresize(img, new_size, interpolation=interpolation, backend=backend)
    return (rescaled, factor) if return_scale else rescaled


def imflip(img: np.ndarray, direction: str = "horizontal") -> np.ndarray:
    """Returns a flipped view; ``direction`` is "horizontal", "vertical" or "diagonal" (both)."""
    _check_direction(direction, _flip_axes)
    return np.flip(img, axis=_flip_axes[direction])


def imflip_(img: np.ndarray, direction: str = "horizontal") -> np.ndarray:
    """Flips in place; see imflip."""
    _check_direction(direction, _cv2_flip_codes)
    return cv2.flip(img, _cv2_flip_codes[direction], img)


def imrotate(
    img: np.ndarray,
    angle: float,
    center: tuple[float, float] | None = None,
    scale: float = 1.0,
    border_value: Any = 0,
    interpolation: str = "bilinear",
    auto_bound: bool = False,
    border_mode: str = "constant",
) -> np.ndarray:
    """Rotates clockwise.

    Args:
        img: (H, W) or (H, W, C).
        angle: degrees, clockwise.
        center: x, y of the fixed point; None: the middle of the image.
        scale: isotropic factor.
        border_value: fills what comes from outside, under border_mode "constant".
        interpolation: see imresize.
        auto_bound: enlarge the image so that nothing is cut off; excludes ``center``.
        border_mode: a key of cv2_border_modes.
    """
    if center is not None and auto_bound:
        raise ValueError("`auto_bound` conflicts with `center`")
    h, w = img.shape[:2]
    if center is None:
        center = ((w - 1) * 0.5, (h - 1) * 0.5)
    require(isinstance(center, tuple), f"center must be a tuple, but got {center!r}")
    matrix = cv2.getRotationMatrix2D(center, -angle, scale)
    if auto_bound:
        cos, sin = np.abs(matrix[0, 0]), np.abs(matrix[0, 1])
        new_w = h * sin + w * cos
        new_h = h * cos + w * sin
        matrix[0, 2] += (new_w - w) * 0.5
        matrix[1, 2] += (new_h - h) * 0.5
        w, h = int(np.round(new_w)), int(np.round(new_h))
    return cv2.warpAffine(
        img,
        matrix,
        (w, h),
        flags=cv2_interp_codes[interpolation],
        borderMode=cv2_border_modes[border_mode],
        borderValue=border_value,
    )


def impad(
    img: np.ndarray,
    *,
    shape: Sequence[int] | None = None,
    padding: int | tuple[int, ...] | None = None,
    pad_val: Any = 0,
    padding_mode: str = "constant",
) -> np.ndarray:
    """Pads to a shape (right and bottom) or by given widths.

    Args:
        img: (H, W) or (H, W, C).
        shape: height, width of the result; sides that are larger already are left alone.
        padding: one width, (left and right, top and bottom), or (left, top, right, bottom);
            exactly one of ``shape`` and ``padding`` is given.
        pad_val: a tuple with one number per channel. As in OpenCV, a single number fills the
            first channel only, the others with 0.
        padding_mode: "constant", "edge", "reflect" (without the edge pixel) or "symmetric".
    """
    require((shape is not None) ^ (padding is not None), "give exactly one of shape and padding")
    if shape is not None:
        padding = (0, 0, max(shape[1] - img.shape[1], 0), max(shape[0] - img.shape[0], 0))
    _check_pad_val(pad_val, img)
    left, top, right, bottom = _four_paddings(padding)
    require(
        padding_mode in _pad_modes,
        f"padding_mode must be one of {', '.join(_pad_modes)}, but got {padding_mode!r}",
    )
    mode = _pad_modes[padding_mode]
    return cv2.copyMakeBorder(img, top, bottom, left, right, mode, value=pad_val)


def impad_to_multiple(img: np.ndarray, divisor: int, pad_val: Any = 0) -> np.ndarray:
    """Pads right and bottom so that both sides are multiples of ``divisor``."""
    pad_h = int(np.ceil(img.shape[0] / divisor)) * divisor
    pad_w = int(np.ceil(img.shape[1] / divisor)) * divisor
    return impad(img, shape=(pad_h, pad_w), pad_val=pad_val)


def _scale_size(size: tuple[int, int], scale: Any) -> tuple[int, int]:
    """Scales (w, h), rounding half up."""
    scale_w, scale_h = _pair(scale)
    w, h = size
    return int(w * float(scale_w) + 0.5), int(h * float(scale_h) + 0.5)


def _pair(value: Any) -> tuple[Any, Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return value, value
    first, second = value
    return first, second


def _check_pad_val(pad_val: Any, img: np.ndarray) -> None:
    if isinstance(pad_val, tuple):
        require(
            len(pad_val) == img.shape[-1],
            f"pad_val has {len(pad_val)} numbers for an image of shape {img.shape}",
        )
    elif not isinstance(pad_val, numbers.Number):
        raise TypeError(f"pad_val must be a int or a tuple. But received {type(pad_val)}")


def _four_paddings(padding: Any) -> tuple[int, int, int, int]:
    if isinstance(padding, tuple) and len(padding) == 4:
        return padding
    if isinstance(padding, tuple) and len(padding) == 2:
        return (padding[0], padding[1], padding[0], padding[1])
    if isinstance(padding, numbers.Number):
        return (padding, padding, padding, padding)  # type: ignore[return-value]
    raise ValueError(f"Padding must be a int or a 2, or 4 element tuple. But received {padding}")


def _check_direction(direction: str, possible: dict[str, Any]) -> None:
    require(
        direction in possible,
        f"direction must be one of {', '.join(possible)}, but got {direction!r}",
    )
