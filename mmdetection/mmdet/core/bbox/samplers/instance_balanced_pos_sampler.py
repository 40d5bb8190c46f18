"""1.x import path."""

from mmdet.boxes import InstanceBalancedPosSampler

__all__ = [
    "InstanceBalancedPosSampler",
]
