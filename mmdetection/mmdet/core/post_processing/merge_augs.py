"""1.x import path of suppression."""

from mmdet.boxes import merge_aug_bboxes, merge_aug_masks, merge_aug_proposals, merge_aug_scores

__all__ = [
    "merge_aug_bboxes",
    "merge_aug_masks",
    "merge_aug_proposals",
    "merge_aug_scores",
]
