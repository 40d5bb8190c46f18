"""Contrast operations that depend on the histogram of an image."""

from __future__ import annotations

import cv2
import numpy as np

from mmcv.image.checks import require


def imequalize(img: np.ndarray) -> np.ndarray:
    """Equalises the histogram of each channel, as PIL.ImageOps.equalize.

    Args:
        img: (H, W, 3) uint8.
    """
    channels = [_equalize_channel(img[:, :, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(img.dtype)


def _equalize_channel(channel: np.ndarray) -> np.ndarray:
    hist = np.histogram(channel, 256, (0, 255))[0]
    nonzero = hist[hist > 0]
    step = (np.sum(nonzero) - nonzero[-1]) // 255
    if step == 0:
        return channel
    lut = (np.cumsum(hist) + (step // 2)) // step
    lut = np.concatenate([[0], lut[:-1]], 0)
    return np.minimum(lut, 255)[channel]


def auto_contrast(img: np.ndarray, cutoff: float | tuple[float, float] = 0) -> np.ndarray:
    """Stretches each channel to 0..255, as PIL.ImageOps.autocontrast.

    Args:
        img: (H, W, 3) uint8.
        cutoff: percent of the darkest and of the brightest pixels that are left out of account.
    """
    if not isinstance(cutoff, (int, float)):
        require(
            isinstance(cutoff, tuple),
            f"cutoff must be of type int, float or tuple, but got {type(cutoff)} instead.",
        )
    limits = (cutoff, cutoff) if isinstance(cutoff, (int, float)) else cutoff
    channels = [_stretch_channel(img[:, :, c], limits) for c in range(3)]
    return np.stack(channels, axis=-1).astype(img.dtype)


def _stretch_channel(channel: np.ndarray, cutoff: tuple[float, float]) -> np.ndarray:
    counts = np.cumsum(np.histogram(channel, 256, (0, 255))[0])
    cut_low = counts[-1] * cutoff[0] // 100
    cut_high = counts[-1] - counts[-1] * cutoff[1] // 100
    counts = np.clip(counts, cut_low, cut_high) - cut_low
    used = np.nonzero(np.concatenate([[counts[0]], np.diff(counts)], 0))[0]
    low, high = used[0], used[-1]
    if low >= high:
        return channel
    scale = 255.0 / (high - low)
    lut = np.clip(np.arange(256) * scale + -low * scale, 0, 255)
    return lut[channel]


def clahe(
    img: np.ndarray, clip_limit: float = 40.0, tile_grid_size: tuple[int, int] = (8, 8)
) -> np.ndarray:
    """Contrast limited adaptive histogram equalisation.

    Args:
        img: (H, W) grey, in 0..255.
        clip_limit: threshold of the contrast limit.
        tile_grid_size: tiles per row and column.
    """
    require(isinstance(img, np.ndarray) and img.ndim == 2, "clahe needs a grey image (H, W)")
    check_clahe_arguments(clip_limit, tile_grid_size)
    equalizer = cv2.createCLAHE(clip_limit, tile_grid_size)
    return equalizer.apply(np.array(img, dtype=np.uint8))


def check_clahe_arguments(clip_limit: float, tile_grid_size: tuple[int, int]) -> None:
    """Raises InvalidArgument for arguments that clahe does not take."""
    require(
        isinstance(clip_limit, (float, int)), f"clip_limit must be a number, got {clip_limit!r}"
    )
    require(
        isinstance(tile_grid_size, tuple)
        and len(tile_grid_size) == 2
        and all(isinstance(n, int) for n in tile_grid_size),
        f"tile_grid_size must be a tuple of two ints, but got {tile_grid_size!r}",
    )
