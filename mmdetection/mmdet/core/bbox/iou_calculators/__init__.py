"""1.x import path of overlaps."""

from mmdet.boxes import BboxOverlaps2D, bbox_overlaps, build_iou_calculator

__all__ = ["BboxOverlaps2D", "bbox_overlaps", "build_iou_calculator"]
