"""Assigners: which object each box or point answers for."""

from mmdet.boxes.assigners.approx_max_iou_assigner import ApproxMaxIoUAssigner
from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.atss_assigner import ATSSAssigner
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.center_region_assigner import CenterRegionAssigner
from mmdet.boxes.assigners.grid_assigner import GridAssigner
from mmdet.boxes.assigners.hungarian_assigner import HungarianAssigner, MaskHungarianAssigner
from mmdet.boxes.assigners.max_iou_assigner import MaxIoUAssigner
from mmdet.boxes.assigners.point_assigner import PointAssigner
from mmdet.boxes.assigners.sim_ota_assigner import SimOTAAssigner
from mmdet.boxes.assigners.task_aligned_assigner import TaskAlignedAssigner
from mmdet.boxes.assigners.uniform_assigner import UniformAssigner

__all__ = [
    "ATSSAssigner",
    "ApproxMaxIoUAssigner",
    "AssignResult",
    "BaseAssigner",
    "CenterRegionAssigner",
    "GridAssigner",
    "HungarianAssigner",
    "MaskHungarianAssigner",
    "MaxIoUAssigner",
    "PointAssigner",
    "SimOTAAssigner",
    "TaskAlignedAssigner",
    "UniformAssigner",
]
