"""1.x import path."""

from mmdet.boxes import BaseSampler

__all__ = [
    "BaseSampler",
]
