"""Heads that predict at every position of the maps, or from queries."""

from mmdet.models.dense_heads.anchor_free_head import AnchorFreeHead
from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.dense_heads.atss_head import ATSSHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.dense_heads.deformable_detr_head import DeformableDETRHead
from mmdet.models.dense_heads.dense_test_mixins import BBoxTestMixin as BBoxTestMixin
from mmdet.models.dense_heads.detr_head import DETRHead
from mmdet.models.dense_heads.dino_head import DINOHead
from mmdet.models.dense_heads.fcos_head import FCOSHead
from mmdet.models.dense_heads.gfl_head import GFLHead
from mmdet.models.dense_heads.retina_head import RetinaHead
from mmdet.models.dense_heads.rpn_head import RPNHead

__all__ = [
    "ATSSHead",
    "AnchorFreeHead",
    "AnchorHead",
    "BaseDenseHead",
    "DETRHead",
    "DINOHead",
    "DeformableDETRHead",
    "FCOSHead",
    "GFLHead",
    "RPNHead",
    "RetinaHead",
]
