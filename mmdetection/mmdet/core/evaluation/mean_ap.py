"""1.x import path."""

from mmdet.evaluation.mean_ap import average_precision, eval_map, print_map_summary

__all__ = ["average_precision", "eval_map", "print_map_summary"]
