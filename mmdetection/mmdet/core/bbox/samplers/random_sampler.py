"""1.x import path."""

from mmdet.boxes import RandomSampler

__all__ = [
    "RandomSampler",
]
