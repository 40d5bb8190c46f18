"""Changes of colours and holes in images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mmcv.image import bgr2hsv, hsv2bgr
from mmcv.image.checks import require
from mmcv.transforms import Normalize, RandomCutOut
from mmcv.transforms.cutout import Candidates
from mmdet.registry import PIPELINES

__all__ = ["CutOut", "Normalize", "PhotoMetricDistortion", "YOLOXHSVRandomAug"]


@PIPELINES.register_module()
class PhotoMetricDistortion:
    """Changes brightness, contrast, saturation, hue and channels, each with chance 1/2 (SSD).

    Contrast comes before or after saturation and hue, with chance 1/2. The image becomes float32.

    Args:
        brightness_delta: largest change of brightness.
        contrast_range: of the factor of contrast.
        saturation_range: of the factor of saturation.
        hue_delta: largest change of the hue, in degrees.
    """

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: tuple[float, float] = (0.5, 1.5),
        saturation_range: tuple[float, float] = (0.5, 1.5),
        hue_delta: float = 18,
    ) -> None:
        self.brightness_delta = brightness_delta
        self.contrast_lower, self.contrast_upper = contrast_range
        self.saturation_lower, self.saturation_upper = saturation_range
        self.hue_delta = hue_delta

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Distorts img."""
        fields = results.get("img_fields", ["img"])
        require(fields == ["img"], "Only single img_fields is allowed")
        img = results["img"].astype(np.float32)
        if np.random.randint(2):
            img += np.random.uniform(-self.brightness_delta, self.brightness_delta)
        contrast_first = np.random.randint(2) == 1
        if contrast_first:
            self._contrast(img)
        hsv = bgr2hsv(img)
        if np.random.randint(2):
            hsv[..., 1] *= np.random.uniform(self.saturation_lower, self.saturation_upper)
        if np.random.randint(2):
            hue = hsv[..., 0]
            hue += np.random.uniform(-self.hue_delta, self.hue_delta)
            hue[hue > 360] -= 360
            hue[hue < 0] += 360
        img = hsv2bgr(hsv)
        if not contrast_first:
            self._contrast(img)
        if np.random.randint(2):
            img = img[..., np.random.permutation(3)]
        results["img"] = img
        return results

    def _contrast(self, img: np.ndarray) -> None:
        if np.random.randint(2):
            img *= np.random.uniform(self.contrast_lower, self.contrast_upper)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\nbrightness_delta={self.brightness_delta},\n"
            f"contrast_range={(self.contrast_lower, self.contrast_upper)},\n"
            f"saturation_range={(self.saturation_lower, self.saturation_upper)},\n"
            f"hue_delta={self.hue_delta})"
        )


@PIPELINES.register_module()
class CutOut(RandomCutOut):
    """Fills rectangles at random places; see mmcv.transforms.RandomCutOut.

    Args:
        n_holes: their number, or (lowest, highest).
        cutout_shape: (width, height) of a hole in pixels, or a list to choose from.
        cutout_ratio: (width, height) relative to the image, or a list to choose from.
        fill_in: colour of the holes.
    """

    def __init__(
        self,
        n_holes: int | tuple[int, int],
        cutout_shape: Candidates | None = None,
        cutout_ratio: Candidates | None = None,
        fill_in: tuple[float, ...] = (0, 0, 0),
    ) -> None:
        super().__init__(1.0, n_holes, cutout_shape, cutout_ratio, fill_in)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Fills holes, in place; unlike its base it draws no chance."""
        return self.fill_holes(results)


@PIPELINES.register_module()
class YOLOXHSVRandomAug:
    """Changes hue, saturation and value by random numbers (YOLOX, arXiv:2107.08430).

    Args:
        hue_delta: largest change of the hue, of a circle of 180.
        saturation_delta: of the saturation, in 0..255.
        value_delta: of the value, in 0..255.
    """

    def __init__(
        self, hue_delta: float = 5, saturation_delta: float = 30, value_delta: float = 30
    ) -> None:
        self.hue_delta = hue_delta
        self.saturation_delta = saturation_delta
        self.value_delta = value_delta

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes img, uint8, in place."""
        img = results["img"]
        deltas = [self.hue_delta, self.saturation_delta, self.value_delta]
        gains = np.random.uniform(-1, 1, 3) * deltas
        gains *= np.random.randint(0, 2, 3)
        h, s, v = gains.astype(np.int16)
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV).astype(np.int16)
        hsv[..., 0] = (hsv[..., 0] + h) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] + s, 0, 255)
        hsv[..., 2] = np.clip(hsv[..., 2] + v, 0, 255)
        cv2.cvtColor(hsv.astype(img.dtype), cv2.COLOR_HSV2BGR, dst=img)
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(hue_delta={self.hue_delta}, "
            f"saturation_delta={self.saturation_delta}, value_delta={self.value_delta})"
        )
