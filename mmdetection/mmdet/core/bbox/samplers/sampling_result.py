"""1.x import path."""

from mmdet.boxes import SamplingResult

__all__ = [
    "SamplingResult",
]
