"""Samplers of pixels: which ones a loss is computed on."""

from mmseg.models.samplers.base_pixel_sampler import BasePixelSampler
from mmseg.models.samplers.ohem_pixel_sampler import OHEMPixelSampler

__all__ = ["BasePixelSampler", "OHEMPixelSampler"]
