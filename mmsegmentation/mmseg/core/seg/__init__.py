"""Pixel samplers, at their 1.x import path."""

from mmseg.core.seg.builder import build_pixel_sampler
from mmseg.core.seg.sampler import BasePixelSampler, OHEMPixelSampler

__all__ = ["BasePixelSampler", "OHEMPixelSampler", "build_pixel_sampler"]
