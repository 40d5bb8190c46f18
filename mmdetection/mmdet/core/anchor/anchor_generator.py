"""1.x import path of anchor generators."""

from mmdet.boxes import (
    AnchorGenerator,
    LegacyAnchorGenerator,
    LegacySSDAnchorGenerator,
    SSDAnchorGenerator,
    YOLOAnchorGenerator,
)

__all__ = [
    "AnchorGenerator",
    "LegacyAnchorGenerator",
    "LegacySSDAnchorGenerator",
    "SSDAnchorGenerator",
    "YOLOAnchorGenerator",
]
