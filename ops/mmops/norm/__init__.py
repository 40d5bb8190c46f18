"""Normalisations of the vision transformers: RMSNorm and channels-first LayerNorm."""

from mmops.norm.layer_norm import LayerNorm2d
from mmops.norm.rms_norm import RMSNorm, rms_norm

__all__ = ["LayerNorm2d", "RMSNorm", "rms_norm"]
