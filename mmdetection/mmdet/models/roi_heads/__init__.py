"""Heads on regions, and their parts."""

from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmdet.models.roi_heads.bbox_heads import *  # noqa: F403
from mmdet.models.roi_heads.cascade_roi_head import CascadeRoIHead
from mmdet.models.roi_heads.double_roi_head import DoubleHeadRoIHead
from mmdet.models.roi_heads.htc_roi_head import HybridTaskCascadeRoIHead
from mmdet.models.roi_heads.mask_heads import *  # noqa: F403
from mmdet.models.roi_heads.roi_extractors import *  # noqa: F403
from mmdet.models.roi_heads.shared_heads import *  # noqa: F403
from mmdet.models.roi_heads.standard_roi_head import StandardRoIHead

__all__ = [
    "BaseRoIHead",
    "CascadeRoIHead",
    "DoubleHeadRoIHead",
    "HybridTaskCascadeRoIHead",
    "StandardRoIHead",
]
