"""1.x import path."""

from mmdet.evaluation.recall import (
    eval_recalls,
    plot_iou_recall,
    plot_num_recall,
    print_recall_summary,
)

__all__ = ["eval_recalls", "plot_iou_recall", "plot_num_recall", "print_recall_summary"]
