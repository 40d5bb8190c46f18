"""Operations of augmentation policies on colours (arXiv:1906.11172)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.image import adjust_brightness, adjust_color, adjust_contrast, imequalize
from mmcv.image.checks import require
from mmdet.registry import PIPELINES

MAX_LEVEL = 10


def require_level(level: float, prob: float) -> None:
    """Raises unless level and chance are in their ranges."""
    require(
        isinstance(level, (int, float)) and 0 <= level <= MAX_LEVEL,
        f"The level should be in range [0,{MAX_LEVEL}], got {level!r}.",
    )
    require(0 <= prob <= 1, f"The probability should be in range [0,1]. got {prob}.")


class _Enhance:
    """Changes the colours of the image by a factor, by chance.

    Args:
        level: 0..10; the factor is 0.1 at 0 and 1.9 at 10.
        prob: chance of a change.
    """

    adjust: Any = None

    def __init__(self, level: float, prob: float = 0.5) -> None:
        require_level(level, prob)
        self.level = level
        self.prob = prob
        self.factor = level / MAX_LEVEL * 1.8 + 0.1

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes the images, or not."""
        if np.random.rand() > self.prob:
            return results
        for key in results.get("img_fields", ["img"]):
            img = results[key]
            results[key] = type(self).adjust(img, self.factor).astype(img.dtype)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(level={self.level}, prob={self.prob})"


@PIPELINES.register_module()
class ColorTransform(_Enhance):
    """Mixes the image with its grey version; see _Enhance."""

    adjust = staticmethod(adjust_color)


@PIPELINES.register_module()
class BrightnessTransform(_Enhance):
    """Mixes the image with black; see _Enhance."""

    adjust = staticmethod(adjust_brightness)


@PIPELINES.register_module()
class ContrastTransform(_Enhance):
    """Mixes the image with its mean grey; see _Enhance."""

    adjust = staticmethod(adjust_contrast)


@PIPELINES.register_module()
class EqualizeTransform:
    """Equalises the histogram, by chance.

    Args:
        prob: chance of a change.
    """

    def __init__(self, prob: float = 0.5) -> None:
        require_level(0, prob)
        self.prob = prob

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes the images, or not."""
        if np.random.rand() > self.prob:
            return results
        for key in results.get("img_fields", ["img"]):
            img = results[key]
            results[key] = imequalize(img).astype(img.dtype)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prob={self.prob})"
