"""Detectors: what a config's ``model`` section names."""

from mmdet.models.detectors.base import BaseDetector
from mmdet.models.detectors.cascade_rcnn import CascadeRCNN
from mmdet.models.detectors.faster_rcnn import FasterRCNN
from mmdet.models.detectors.htc import HybridTaskCascade
from mmdet.models.detectors.mask_rcnn import MaskRCNN
from mmdet.models.detectors.rpn import RPN
from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.models.detectors.two_stage import TwoStageDetector

__all__ = [
    "RPN",
    "BaseDetector",
    "CascadeRCNN",
    "FasterRCNN",
    "HybridTaskCascade",
    "MaskRCNN",
    "SingleStageDetector",
    "TwoStageDetector",
]
