"""1.x import path of what heads apply to levels and images."""

from mmdet.boxes import (
    center_of_mass,
    filter_scores_and_topk,
    flip_tensor,
    generate_coordinate,
    mask2ndarray,
    multi_apply,
    select_single_mlvl,
    unmap,
)

__all__ = [
    "center_of_mass",
    "filter_scores_and_topk",
    "flip_tensor",
    "generate_coordinate",
    "mask2ndarray",
    "multi_apply",
    "select_single_mlvl",
    "unmap",
]
