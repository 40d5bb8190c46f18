"""Metrics, class names and evaluation hooks, at their 1.x import path."""

from mmseg.core.evaluation.eval_hooks import DistEvalHook, EvalHook
from mmseg.evaluation import (
    eval_metrics,
    get_classes,
    get_palette,
    intersect_and_union,
    mean_dice,
    mean_fscore,
    mean_iou,
    pre_eval_to_metrics,
)

__all__ = [
    "DistEvalHook",
    "EvalHook",
    "eval_metrics",
    "get_classes",
    "get_palette",
    "intersect_and_union",
    "mean_dice",
    "mean_fscore",
    "mean_iou",
    "pre_eval_to_metrics",
]
