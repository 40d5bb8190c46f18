"""1.x import path of suppression."""

from mmdet.boxes import (
    fast_nms,
    mask_matrix_nms,
    merge_aug_bboxes,
    merge_aug_masks,
    merge_aug_proposals,
    merge_aug_scores,
    multiclass_nms,
)

__all__ = [
    "fast_nms",
    "mask_matrix_nms",
    "merge_aug_bboxes",
    "merge_aug_masks",
    "merge_aug_proposals",
    "merge_aug_scores",
    "multiclass_nms",
]
