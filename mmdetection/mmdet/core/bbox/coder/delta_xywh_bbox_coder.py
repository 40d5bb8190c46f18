"""1.x import path."""

from mmdet.boxes import DeltaXYWHBBoxCoder, bbox2delta, delta2bbox

__all__ = [
    "DeltaXYWHBBoxCoder",
    "bbox2delta",
    "delta2bbox",
]
