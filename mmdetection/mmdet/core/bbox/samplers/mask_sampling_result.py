"""1.x import path."""

from mmdet.boxes import MaskPseudoSampler, MaskSamplingResult

__all__ = [
    "MaskPseudoSampler",
    "MaskSamplingResult",
]
