"""Normalisations of the vision transformers: RMSNorm, its fusions, and channels-first LayerNorm."""

from mmops.norm.layer_norm import LayerNorm2d
from mmops.norm.modules import RMSNorm
from mmops.norm.op import add_scale_rms_norm, qk_norm, rms_norm, uses_fused

__all__ = ["LayerNorm2d", "RMSNorm", "add_scale_rms_norm", "qk_norm", "rms_norm", "uses_fused"]
