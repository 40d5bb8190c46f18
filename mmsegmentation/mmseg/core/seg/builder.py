"""Builds pixel samplers."""

from collections.abc import Mapping
from typing import Any

from mmseg.models.builder import PIXEL_SAMPLERS

__all__ = ["PIXEL_SAMPLERS", "build_pixel_sampler"]


def build_pixel_sampler(cfg: Mapping[str, Any], **default_args: Any) -> Any:
    """Builds the sampler of a decode head, which is given as ``context``."""
    return PIXEL_SAMPLERS.build(cfg, default_args=default_args)
