"""Normalisation and changes of colour, brightness, contrast and sharpness."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from mmcv.image.checks import require
from mmcv.image.colorspace import bgr2gray, gray2bgr
from mmcv.image.io import current_backend

# 3x3 smoothing of PIL.ImageFilter.SMOOTH.
SMOOTH_KERNEL = np.array([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13


def imnormalize(
    img: np.ndarray, mean: np.ndarray, std: np.ndarray, to_rgb: bool = True
) -> np.ndarray:
    """Returns ``(img - mean) / std`` as float32.

    Args:
        img: (H, W, C) in 0..255, BGR if ``to_rgb``.
        mean: per channel, in the order of the result.
        std: per channel.
        to_rgb: swap BGR to RGB first.
    """
    return imnormalize_(img.copy().astype(np.float32), mean, std, to_rgb)


def imnormalize_(
    img: np.ndarray, mean: np.ndarray, std: np.ndarray, to_rgb: bool = True
) -> np.ndarray:
    """As imnormalize, in place on a float image."""
    require(img.dtype != np.uint8, "imnormalize_ works in place on float images, not on uint8")
    mean = np.asarray(mean).reshape(1, -1).astype(np.float64)
    inverse_std = 1 / np.asarray(std).reshape(1, -1).astype(np.float64)
    if to_rgb:
        cv2.cvtColor(img, cv2.COLOR_BGR2RGB, img)
    cv2.subtract(img, mean, img)
    cv2.multiply(img, inverse_std, img)
    return img


def imdenormalize(
    img: np.ndarray, mean: np.ndarray, std: np.ndarray, to_bgr: bool = True
) -> np.ndarray:
    """Returns ``img * std + mean``, swapped from RGB to BGR if ``to_bgr``."""
    require(img.dtype != np.uint8, "imdenormalize needs a float image, not uint8")
    mean = np.asarray(mean).reshape(1, -1).astype(np.float64)
    std = np.asarray(std).reshape(1, -1).astype(np.float64)
    img = cv2.multiply(img, std)
    cv2.add(img, mean, img)
    if to_bgr:
        cv2.cvtColor(img, cv2.COLOR_RGB2BGR, img)
    return img


def iminvert(img: np.ndarray) -> np.ndarray:
    """Returns ``255 - img``."""
    return np.full_like(img, 255) - img


def solarize(img: np.ndarray, thr: float = 128) -> np.ndarray:
    """Inverts values from ``thr`` on."""
    return np.where(img < thr, img, 255 - img)


def posterize(img: np.ndarray, bits: int) -> np.ndarray:
    """Keeps the highest ``bits`` of each uint8 value."""
    shift = 8 - bits
    return np.left_shift(np.right_shift(img, shift), shift)


def adjust_color(
    img: np.ndarray,
    alpha: float = 1,
    beta: float | None = None,
    gamma: float = 0,
    backend: str | None = None,
) -> np.ndarray:
    """Blends an image with its grey version: ``img * alpha + gray * beta + gamma``.

    Args:
        img: (H, W, 3) BGR.
        alpha: weight of the colours; 0 gives grey, 1 the image.
        beta: weight of the grey image; None: ``1 - alpha``.
        gamma: added.
        backend: "cv2" or "pillow" (uint8 and ``alpha`` only).
    """
    if current_backend(backend, ("cv2", "pillow")) == "pillow":
        return _enhance(ImageEnhance.Color, img, alpha)
    gray = np.tile(bgr2gray(img)[..., None], [1, 1, 3])
    beta = 1 - alpha if beta is None else beta
    colored = cv2.addWeighted(img, alpha, gray, beta, gamma)
    if colored.dtype != np.uint8:  # only uint8 saturates by itself
        colored = np.clip(colored, 0, 255)
    return colored.astype(img.dtype)


def adjust_brightness(
    img: np.ndarray, factor: float = 1.0, backend: str | None = None
) -> np.ndarray:
    """Blends with black: 0 gives black, 1 the image.

    Args:
        img: (H, W, C) in 0..255.
        factor: weight of the image, above 1 brightens.
        backend: "cv2" or "pillow" (uint8 only).
    """
    if current_backend(backend, ("cv2", "pillow")) == "pillow":
        return _enhance(ImageEnhance.Brightness, img, factor)
    return _blend(img, np.zeros_like(img), factor)


def adjust_contrast(img: np.ndarray, factor: float = 1.0, backend: str | None = None) -> np.ndarray:
    """Blends with the mean grey: 0 gives flat grey, 1 the image; see adjust_brightness."""
    if current_backend(backend, ("cv2", "pillow")) == "pillow":
        return _enhance(ImageEnhance.Contrast, img, factor)
    gray = bgr2gray(img)
    hist = np.histogram(gray, 256, (0, 255))[0]
    mean = round(np.sum(gray) / np.sum(hist))
    flat = (np.ones_like(img[..., 0]) * mean).astype(img.dtype)
    return _blend(img, gray2bgr(flat), factor)


def adjust_sharpness(
    img: np.ndarray, factor: float = 1.0, kernel: np.ndarray | None = None
) -> np.ndarray:
    """Blends with a blurred version: 0 gives the blurred image, 1 the image, 2 a sharper one.

    Args:
        img: (H, W, C) in 0..255.
        factor: weight of the image.
        kernel: 2-D blur; None: SMOOTH_KERNEL.
    """
    kernel = SMOOTH_KERNEL if kernel is None else kernel
    require(
        isinstance(kernel, np.ndarray) and kernel.ndim == 2,
        f"kernel must be a 2-D array, but got {kernel!r}",
    )
    return _blend(img, cv2.filter2D(img, -1, kernel), factor)


def adjust_hue(img: np.ndarray, hue_factor: float, backend: str | None = None) -> np.ndarray:
    """Turns the hue; grey images are returned as they are.

    Args:
        img: (H, W, 3) BGR, in 0..255.
        hue_factor: turns of the colour circle, in -0.5..0.5.
        backend: "cv2" or "pillow" (uint8 only); they round differently.
    """
    chosen = current_backend(backend or "cv2", ("cv2", "pillow"))
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor:{hue_factor} is not in [-0.5, 0.5].")
    if not (isinstance(img, np.ndarray) and img.ndim in (2, 3)):
        raise TypeError("img should be ndarray with dim=[2 or 3].")
    if img.ndim == 2 or img.shape[2] == 1:
        return img
    shift = np.uint8(int(hue_factor * 255) % 256)  # uint8 addition wraps around the circle
    if chosen == "pillow":
        hsv = np.array(_to_pillow(img).convert("HSV"))
        hsv[..., 0] += shift
        return _from_pillow(Image.frombytes("HSV", hsv.shape[1::-1], hsv.tobytes()))
    hsv = cv2.cvtColor(img.astype(np.uint8), cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] += shift
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL).astype(img.dtype)


def adjust_lighting(
    img: np.ndarray,
    eigval: np.ndarray,
    eigvec: np.ndarray,
    alphastd: float = 0.1,
    to_rgb: bool = True,
) -> np.ndarray:
    """Adds noise along principal colour components, as AlexNet (Krizhevsky et al., 2012).

    Args:
        img: (H, W, 3) BGR.
        eigval: (n,) eigenvalues of the colour covariance.
        eigvec: (3, n) eigenvectors.
        alphastd: standard deviation of the weights.
        to_rgb: swap to RGB first.

    Returns:
        (H, W, 3) float32 or float64.
    """
    require(
        isinstance(eigval, np.ndarray) and isinstance(eigvec, np.ndarray),
        f"eigval and eigvec should both be of type np.ndarray, got {type(eigval)} and "
        f"{type(eigvec)} instead.",
    )
    require(
        eigval.ndim == 1 and eigvec.shape == (3, eigval.shape[0]),
        f"eigval must be (n,) and eigvec (3, n), but got {eigval.shape} and {eigvec.shape}",
    )
    require(isinstance(alphastd, float), f"alphastd must be a float, but got {alphastd!r}")
    img = img.copy().astype(np.float32)
    if to_rgb:
        cv2.cvtColor(img, cv2.COLOR_BGR2RGB, img)
    alpha = np.random.normal(0, alphastd, eigval.shape[0])
    return img + (eigvec * alpha * eigval).sum(axis=1)


def lut_transform(img: np.ndarray, lut_table: np.ndarray) -> np.ndarray:
    """Replaces each value ``v`` in 0..255 by ``lut_table[v]``; the table is (256,)."""
    require(isinstance(img, np.ndarray), "img must be an array")
    require(np.min(img) >= 0 and np.max(img) <= 255, "img must hold values in 0..255")
    require(
        isinstance(lut_table, np.ndarray) and lut_table.shape == (256,),
        "lut_table must be an array of shape (256,)",
    )
    return cv2.LUT(np.array(img, dtype=np.uint8), lut_table)


def _blend(img: np.ndarray, other: np.ndarray, factor: float) -> np.ndarray:
    mixed = cv2.addWeighted(img.astype(np.float32), factor, other.astype(np.float32), 1 - factor, 0)
    return np.clip(mixed, 0, 255).astype(img.dtype)


def _enhance(kind: Any, img: np.ndarray, factor: float) -> np.ndarray:
    return _from_pillow(kind(_to_pillow(img)).enhance(factor))


def _to_pillow(img: np.ndarray) -> Image.Image:
    require(img.dtype == np.uint8, "the pillow backend works on uint8 images only")
    return Image.fromarray(np.ascontiguousarray(img[..., ::-1]))


def _from_pillow(img: Image.Image) -> np.ndarray:
    return np.array(img.convert("RGB"))[..., ::-1]
