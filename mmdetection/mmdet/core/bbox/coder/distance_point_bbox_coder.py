"""1.x import path."""

from mmdet.boxes import DistancePointBBoxCoder

__all__ = [
    "DistancePointBBoxCoder",
]
