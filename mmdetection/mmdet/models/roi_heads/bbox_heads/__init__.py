"""Heads that classify regions and regress their boxes."""

from mmdet.models.roi_heads.bbox_heads.bbox_head import BBoxHead
from mmdet.models.roi_heads.bbox_heads.convfc_bbox_head import (
    ConvFCBBoxHead,
    Shared2FCBBoxHead,
    Shared4Conv1FCBBoxHead,
)
from mmdet.models.roi_heads.bbox_heads.double_bbox_head import DoubleConvFCBBoxHead

__all__ = [
    "BBoxHead",
    "ConvFCBBoxHead",
    "DoubleConvFCBBoxHead",
    "Shared2FCBBoxHead",
    "Shared4Conv1FCBBoxHead",
]
