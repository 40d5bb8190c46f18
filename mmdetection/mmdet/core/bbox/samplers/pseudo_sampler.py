"""1.x import path."""

from mmdet.boxes import PseudoSampler

__all__ = [
    "PseudoSampler",
]
