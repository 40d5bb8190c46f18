"""1.x import path."""

from mmseg.models.samplers import BasePixelSampler, OHEMPixelSampler

__all__ = ["BasePixelSampler", "OHEMPixelSampler"]
