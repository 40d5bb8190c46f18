"""Detectors: what a config's ``model`` section names."""

from mmdet.models.detectors.atss import ATSS
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.detectors.cascade_rcnn import CascadeRCNN
from mmdet.models.detectors.deformable_detr import DeformableDETR
from mmdet.models.detectors.detr import DETR
from mmdet.models.detectors.dino import DINO
from mmdet.models.detectors.faster_rcnn import FasterRCNN
from mmdet.models.detectors.fcos import FCOS
from mmdet.models.detectors.gfl import GFL
from mmdet.models.detectors.htc import HybridTaskCascade
from mmdet.models.detectors.mask_rcnn import MaskRCNN
from mmdet.models.detectors.retinanet import RetinaNet
from mmdet.models.detectors.rpn import RPN
from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.models.detectors.two_stage import TwoStageDetector

__all__ = [
    "ATSS",
    "DETR",
    "DINO",
    "FCOS",
    "GFL",
    "RPN",
    "BaseDetector",
    "CascadeRCNN",
    "DeformableDETR",
    "FasterRCNN",
    "HybridTaskCascade",
    "MaskRCNN",
    "RetinaNet",
    "SingleStageDetector",
    "TwoStageDetector",
]
