"""1.x import path of overlaps."""

from mmdet.boxes.iou import BboxOverlaps2D, bbox_overlaps, cast_tensor_type

__all__ = ["BboxOverlaps2D", "bbox_overlaps", "cast_tensor_type"]
