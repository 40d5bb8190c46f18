"""1.x import path."""

from mmdet.boxes import MaskPseudoSampler

__all__ = ["MaskPseudoSampler"]
