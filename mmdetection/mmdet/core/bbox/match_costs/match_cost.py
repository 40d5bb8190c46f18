"""1.x import path of the costs of matching."""

from mmdet.boxes import (
    BBoxL1Cost,
    ClassificationCost,
    CrossEntropyLossCost,
    DiceCost,
    FocalLossCost,
    IoUCost,
)

__all__ = [
    "BBoxL1Cost",
    "ClassificationCost",
    "CrossEntropyLossCost",
    "DiceCost",
    "FocalLossCost",
    "IoUCost",
]
