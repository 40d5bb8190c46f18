"""Interpolation and the encoding layer."""

from mmseg.ops.encoding import Encoding
from mmseg.ops.wrappers import Upsample, resize

__all__ = ["Encoding", "Upsample", "resize"]
