"""Heads that predict at every position of the maps."""

from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.dense_heads.dense_test_mixins import BBoxTestMixin
from mmdet.models.dense_heads.rpn_head import RPNHead

__all__ = ["AnchorHead", "BBoxTestMixin", "BaseDenseHead", "RPNHead"]
