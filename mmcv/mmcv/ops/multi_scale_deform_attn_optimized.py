"""The fork's half-precision deformable attention at its import path: it is the same module here."""

from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttention

MultiScaleDeformableAttentionOptimized = MultiScaleDeformableAttention

__all__ = ["MultiScaleDeformableAttentionOptimized"]
