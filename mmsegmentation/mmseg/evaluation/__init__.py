"""Metrics and class tables; pure functions that never see a data set."""

from mmseg.evaluation.class_names import get_classes, get_palette
from mmseg.evaluation.metrics import (
    eval_metrics,
    f_score,
    intersect_and_union,
    mean_dice,
    mean_fscore,
    mean_iou,
    pre_eval_to_metrics,
    total_area_to_metrics,
    total_intersect_and_union,
)

__all__ = [
    "eval_metrics",
    "f_score",
    "get_classes",
    "get_palette",
    "intersect_and_union",
    "mean_dice",
    "mean_fscore",
    "mean_iou",
    "pre_eval_to_metrics",
    "total_area_to_metrics",
    "total_intersect_and_union",
]
