"""Heads that predict masks of regions."""

from mmdet.models.roi_heads.mask_heads.fcn_mask_head import FCNMaskHead
from mmdet.models.roi_heads.mask_heads.fused_semantic_head import FusedSemanticHead
from mmdet.models.roi_heads.mask_heads.htc_mask_head import HTCMaskHead

__all__ = ["FCNMaskHead", "FusedSemanticHead", "HTCMaskHead"]
