"""Models; importing this package registers their names."""

from mmdet.models.backbones import *  # noqa: F403
from mmdet.models.builder import (
    BACKBONES,
    DETECTORS,
    HEADS,
    LOSSES,
    NECKS,
    ROI_EXTRACTORS,
    SHARED_HEADS,
    build_backbone,
    build_detector,
    build_head,
    build_loss,
    build_neck,
    build_roi_extractor,
    build_shared_head,
)
from mmdet.models.dense_heads import *  # noqa: F403
from mmdet.models.detectors import *  # noqa: F403
from mmdet.models.losses import *  # noqa: F403
from mmdet.models.necks import *  # noqa: F403
from mmdet.models.roi_heads import *  # noqa: F403
from mmdet.models.utils import *  # noqa: F403

__all__ = [
    "BACKBONES",
    "DETECTORS",
    "HEADS",
    "LOSSES",
    "NECKS",
    "ROI_EXTRACTORS",
    "SHARED_HEADS",
    "build_backbone",
    "build_detector",
    "build_head",
    "build_loss",
    "build_neck",
    "build_roi_extractor",
    "build_shared_head",
]
