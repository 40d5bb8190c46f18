"""1.x import path of suppression."""

from mmdet.boxes import mask_matrix_nms

__all__ = [
    "mask_matrix_nms",
]
