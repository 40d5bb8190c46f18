"""1.x import path."""

from mmdet.boxes import IoUBalancedNegSampler

__all__ = [
    "IoUBalancedNegSampler",
]
