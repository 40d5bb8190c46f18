"""Assigners: which object each box or point answers for."""

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.max_iou_assigner import MaxIoUAssigner

__all__ = ["AssignResult", "BaseAssigner", "MaxIoUAssigner"]
