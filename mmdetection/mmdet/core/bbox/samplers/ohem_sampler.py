"""1.x import path."""

from mmdet.boxes import OHEMSampler

__all__ = [
    "OHEMSampler",
]
