"""1.x import path of the overlaps' registry."""

from mmdet.boxes import IOU_CALCULATORS, build_iou_calculator

__all__ = ["IOU_CALCULATORS", "build_iou_calculator"]
