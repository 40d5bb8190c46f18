"""1.x import path."""

from mmdet.boxes import CombinedSampler

__all__ = [
    "CombinedSampler",
]
