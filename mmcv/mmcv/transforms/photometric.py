"""Changes of the pixel values of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmcv.image import bgr2hsv, clahe, hsv2bgr, imnormalize, lut_transform
from mmcv.image.checks import require
from mmcv.image.histogram import check_clahe_arguments
from mmcv.registry import PIPELINES


@PIPELINES.register_module()
class Normalize:
    """Subtracts the mean and divides by the standard deviation; the result is float32.

    Args:
        mean: per channel, in the order after ``to_rgb``, of values in 0..255.
        std: per channel.
        to_rgb: swap BGR to RGB first.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], to_rgb: bool = True) -> None:
        self.mean = np.array(mean, dtype=np.float32)
        self.std = np.array(std, dtype=np.float32)
        self.to_rgb = to_rgb

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Normalises; sets img_norm_cfg."""
        for key in results.get("img_fields", ["img"]):
            results[key] = imnormalize(results[key], self.mean, self.std, self.to_rgb)
        results["img_norm_cfg"] = {"mean": self.mean, "std": self.std, "to_rgb": self.to_rgb}
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std}, to_rgb={self.to_rgb})"


@PIPELINES.register_module()
class PhotoMetricDistortion:
    """Changes brightness, contrast, saturation and hue, each with chance 1/2 (SSD, 1512.02325).

    Contrast comes before or after saturation and hue, with chance 1/2. The image stays uint8.

    Args:
        brightness_delta: largest change of brightness.
        contrast_range: of the factor of contrast.
        saturation_range: of the factor of saturation.
        hue_delta: largest change of the hue, of a circle of 180.
    """

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: tuple[float, float] = (0.5, 1.5),
        saturation_range: tuple[float, float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        self.brightness_delta = brightness_delta
        self.contrast_lower, self.contrast_upper = contrast_range
        self.saturation_lower, self.saturation_upper = saturation_range
        self.hue_delta = hue_delta

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Distorts img."""
        img = self.brightness(results["img"])
        contrast_first = np.random.randint(2) == 1
        if contrast_first:
            img = self.contrast(img)
        img = self.saturation(img)
        img = self.hue(img)
        if not contrast_first:
            img = self.contrast(img)
        results["img"] = img
        return results

    def convert(self, img: np.ndarray, alpha: float = 1, beta: float = 0) -> np.ndarray:
        """Returns ``img * alpha + beta``, computed in float32, clipped, cut down to uint8."""
        if img.dtype == np.uint8:  # the same numbers for 256 values instead of each pixel
            return cv2.LUT(img, self._convert_any(np.arange(256, dtype=np.uint8), alpha, beta))
        return self._convert_any(img, alpha, beta)

    def brightness(self, img: np.ndarray) -> np.ndarray:
        """Adds a random number, or not."""
        if np.random.randint(2):
            delta = np.random.uniform(-self.brightness_delta, self.brightness_delta)
            return self.convert(img, beta=delta)
        return img

    def contrast(self, img: np.ndarray) -> np.ndarray:
        """Multiplies by a random factor, or not."""
        if np.random.randint(2):
            factor = np.random.uniform(self.contrast_lower, self.contrast_upper)
            return self.convert(img, alpha=factor)
        return img

    def saturation(self, img: np.ndarray) -> np.ndarray:
        """Multiplies the saturation by a random factor, or not."""
        if np.random.randint(2):
            hsv = bgr2hsv(img)
            factor = np.random.uniform(self.saturation_lower, self.saturation_upper)
            hsv[:, :, 1] = self.convert(hsv[:, :, 1], alpha=factor)
            return hsv2bgr(hsv)
        return img

    def hue(self, img: np.ndarray) -> np.ndarray:
        """Turns the hue by a random angle, or not."""
        if np.random.randint(2):
            hsv = bgr2hsv(img)
            turn = np.random.randint(-self.hue_delta, self.hue_delta)
            hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + turn) % 180
            return hsv2bgr(hsv)
        return img

    @staticmethod
    def _convert_any(img: np.ndarray, alpha: float, beta: float) -> np.ndarray:
        return np.clip(img.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness_delta={self.brightness_delta}, "
            f"contrast_range=({self.contrast_lower}, {self.contrast_upper}), "
            f"saturation_range=({self.saturation_lower}, {self.saturation_upper}), "
            f"hue_delta={self.hue_delta})"
        )


@PIPELINES.register_module()
class Rerange:
    """Stretches the values of an image to a range.

    Args:
        min_value: of the result.
        max_value: of the result.
    """

    def __init__(self, min_value: float = 0, max_value: float = 255) -> None:
        require(
            isinstance(min_value, (float, int)) and isinstance(max_value, (float, int)),
            f"min_value and max_value must be numbers, but got {min_value!r}, {max_value!r}",
        )
        require(min_value < max_value, f"{min_value} is not below {max_value}")
        self.min_value = min_value
        self.max_value = max_value

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Stretches img."""
        img = results["img"]
        low, high = np.min(img), np.max(img)
        require(
            bool(low < high),
            f"image {results.get('filename', '?')} has one value only ({low}): it has no range",
        )
        unit = (img - low) / (high - low)
        results["img"] = unit * (self.max_value - self.min_value) + self.min_value
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(min_value={self.min_value}, max_value={self.max_value})"


@PIPELINES.register_module()
class CLAHE:
    """Contrast limited adaptive histogram equalisation of each channel.

    Args:
        clip_limit: threshold of the contrast limit.
        tile_grid_size: tiles per row and column.
    """

    def __init__(self, clip_limit: float = 40.0, tile_grid_size: tuple[int, int] = (8, 8)) -> None:
        check_clahe_arguments(clip_limit, tile_grid_size)
        self.clip_limit = clip_limit
        self.tile_grid_size = tile_grid_size

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Equalises img, in place."""
        for channel in range(results["img"].shape[2]):
            results["img"][:, :, channel] = clahe(
                np.array(results["img"][:, :, channel], dtype=np.uint8),
                self.clip_limit,
                self.tile_grid_size,
            )
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(clip_limit={self.clip_limit}, "
            f"tile_grid_size={self.tile_grid_size})"
        )


@PIPELINES.register_module()
class RGB2Gray:
    """Replaces the channels by their weighted sum.

    Args:
        out_channels: how often the sum is repeated; None: as many channels as there were.
        weights: of the channels.
    """

    def __init__(
        self,
        out_channels: int | None = None,
        weights: tuple[float, ...] = (0.299, 0.587, 0.114),
    ) -> None:
        require(
            out_channels is None or out_channels > 0,
            f"out_channels must be positive, but got {out_channels}",
        )
        require(
            isinstance(weights, tuple) and all(isinstance(w, (float, int)) for w in weights),
            f"weights must be a tuple of numbers, but got {weights!r}",
        )
        self.out_channels = out_channels
        self.weights = weights

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts img to float64; sets img_shape."""
        img = results["img"]
        require(
            img.ndim == 3 and img.shape[2] == len(self.weights),
            f"image of shape {img.shape} does not have {len(self.weights)} channels",
        )
        gray = (img * np.array(self.weights).reshape((1, 1, -1))).sum(2, keepdims=True)
        results["img"] = gray.repeat(self.out_channels or len(self.weights), axis=2)
        results["img_shape"] = results["img"].shape
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(out_channels={self.out_channels}, weights={self.weights})"


@PIPELINES.register_module()
class AdjustGamma:
    """Raises values, scaled to 0..1, to the power ``1 / gamma``.

    Args:
        gamma: above 1 brightens.
    """

    def __init__(self, gamma: float = 1.0) -> None:
        require(
            isinstance(gamma, (float, int)) and gamma > 0,
            f"gamma must be a positive number, but got {gamma!r}",
        )
        self.gamma = gamma
        exponent = 1.0 / gamma
        table = [(value / 255.0) ** exponent * 255 for value in np.arange(256)]
        self.table = np.array(table).astype("uint8")

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts img to uint8."""
        results["img"] = lut_transform(np.array(results["img"], dtype=np.uint8), self.table)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(gamma={self.gamma})"
