"""1.x import path."""

from mmdet.evaluation.bbox_overlaps import bbox_overlaps

__all__ = ["bbox_overlaps"]
