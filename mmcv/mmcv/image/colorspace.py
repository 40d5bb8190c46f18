"""Colour conversions between BGR, RGB, grey, HSV, HLS and YCbCr (ITU-R BT.601, as Matlab's)."""

from __future__ import annotations

import cv2
import numpy as np


def imconvert(img: np.ndarray, src: str, dst: str) -> np.ndarray:
    """Converts between colour spaces by their OpenCV names, as ``imconvert(img, "bgr", "lab")``."""
    return cv2.cvtColor(img, getattr(cv2, f"COLOR_{src.upper()}2{dst.upper()}"))


def bgr2gray(img: np.ndarray, keepdim: bool = False) -> np.ndarray:
    """Returns (H, W), or (H, W, 1) with ``keepdim``."""
    gray = cv2.cvtColor(img, cv2.COLOR_BGR2GRAY)
    return gray[..., None] if keepdim else gray


def rgb2gray(img: np.ndarray, keepdim: bool = False) -> np.ndarray:
    """Returns (H, W), or (H, W, 1) with ``keepdim``."""
    gray = cv2.cvtColor(img, cv2.COLOR_RGB2GRAY)
    return gray[..., None] if keepdim else gray


def gray2bgr(img: np.ndarray) -> np.ndarray:
    """Repeats a grey image, (H, W) or (H, W, 1), over three channels."""
    return cv2.cvtColor(img[..., None] if img.ndim == 2 else img, cv2.COLOR_GRAY2BGR)


def gray2rgb(img: np.ndarray) -> np.ndarray:
    """Repeats a grey image, (H, W) or (H, W, 1), over three channels."""
    return cv2.cvtColor(img[..., None] if img.ndim == 2 else img, cv2.COLOR_GRAY2RGB)


def bgr2rgb(img: np.ndarray) -> np.ndarray:
    """Swaps the first and the last channel."""
    return cv2.cvtColor(img, cv2.COLOR_BGR2RGB)


def rgb2bgr(img: np.ndarray) -> np.ndarray:
    """Swaps the first and the last channel."""
    return cv2.cvtColor(img, cv2.COLOR_RGB2BGR)


def bgr2hsv(img: np.ndarray) -> np.ndarray:
    """Returns HSV; for uint8 the hue is in 0..179, for float32 (range 0..1) in degrees."""
    return cv2.cvtColor(img, cv2.COLOR_BGR2HSV)


def hsv2bgr(img: np.ndarray) -> np.ndarray:
    """Reverses bgr2hsv."""
    return cv2.cvtColor(img, cv2.COLOR_HSV2BGR)


def bgr2hls(img: np.ndarray) -> np.ndarray:
    """Returns HLS, hue as in bgr2hsv."""
    return cv2.cvtColor(img, cv2.COLOR_BGR2HLS)


def hls2bgr(img: np.ndarray) -> np.ndarray:
    """Reverses bgr2hls."""
    return cv2.cvtColor(img, cv2.COLOR_HLS2BGR)


# Rows: R, G, B; columns: Y, Cb, Cr.
_RGB_TO_YCBCR = np.array(
    [[65.481, -37.797, 112.0], [128.553, -74.203, -93.786], [24.966, 112.0, -18.214]]
)
_BGR_TO_YCBCR = _RGB_TO_YCBCR[::-1].copy()
# Rows: Y, Cb, Cr; columns: R, G, B.
_YCBCR_TO_RGB = np.array(
    [
        [0.00456621, 0.00456621, 0.00456621],
        [0, -0.00153632, 0.00791071],
        [0.00625893, -0.00318811, 0],
    ]
)
_YCBCR_TO_BGR = _YCBCR_TO_RGB[:, ::-1].copy()
_RGB_OFFSET = np.array([-222.921, 135.576, -276.836])


def rgb2ycbcr(img: np.ndarray, y_only: bool = False) -> np.ndarray:
    """Returns YCbCr with Y in 16..235; differs from OpenCV's YCrCb, which is full range.

    Args:
        img: (H, W, 3), uint8 in 0..255 or float32 in 0..1; the result has the same type and range.
        y_only: return Y alone, (H, W).
    """
    return _to_ycbcr(img, _RGB_TO_YCBCR, y_only)


def bgr2ycbcr(img: np.ndarray, y_only: bool = False) -> np.ndarray:
    """As rgb2ycbcr, for BGR input."""
    return _to_ycbcr(img, _BGR_TO_YCBCR, y_only)


def ycbcr2rgb(img: np.ndarray) -> np.ndarray:
    """Reverses rgb2ycbcr, up to rounding."""
    return _from_ycbcr(img, _YCBCR_TO_RGB, _RGB_OFFSET)


def ycbcr2bgr(img: np.ndarray) -> np.ndarray:
    """Reverses bgr2ycbcr, up to rounding."""
    return _from_ycbcr(img, _YCBCR_TO_BGR, _RGB_OFFSET[::-1])


def _to_ycbcr(img: np.ndarray, matrix: np.ndarray, y_only: bool) -> np.ndarray:
    unit = _convert_input_type_range(img)
    if y_only:
        out = np.dot(unit, matrix[:, 0].copy()) + 16.0
    else:
        out = np.matmul(unit, matrix) + np.array([16, 128, 128])
    return _convert_output_type_range(out, img.dtype)


def _from_ycbcr(img: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    out = np.matmul(_convert_input_type_range(img) * 255, matrix) * 255.0 + offset
    return _convert_output_type_range(out, img.dtype)


def _convert_input_type_range(img: np.ndarray) -> np.ndarray:
    """Returns float32 in 0..1, from uint8 in 0..255 or float32 in 0..1."""
    if img.dtype == np.float32:
        return img.astype(np.float32)
    if img.dtype == np.uint8:
        return img.astype(np.float32) / 255.0
    raise TypeError(f"The img type should be np.float32 or np.uint8, but got {img.dtype}")


def _convert_output_type_range(img: np.ndarray, dst_type: np.dtype | type) -> np.ndarray:
    """Returns values in 0..255 as rounded uint8, or as float32 in 0..1; nothing is clipped."""
    if dst_type == np.uint8:
        return img.round().astype(np.uint8)
    if dst_type == np.float32:
        return (img / 255.0).astype(np.float32)
    raise TypeError(f"The dst_type should be np.float32 or np.uint8, but got {dst_type}")
