"""1.x import path of suppression."""

from mmdet.boxes import fast_nms, multiclass_nms

__all__ = [
    "fast_nms",
    "multiclass_nms",
]
