"""Multi-scale deformable attention (Zhu et al., 2020, arXiv:2010.04159)."""

from mmops.deformable_attention.modules import MSDeformAttn
from mmops.deformable_attention.op import ms_deform_attn
from mmops.deformable_attention.reference import ms_deform_attn_reference

__all__ = ["MSDeformAttn", "ms_deform_attn", "ms_deform_attn_reference"]
