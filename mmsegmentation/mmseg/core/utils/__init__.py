"""Small helpers, at their 1.x import path."""

from mmseg.models.segmentors.encoder_decoder import add_prefix

__all__ = ["add_prefix"]
