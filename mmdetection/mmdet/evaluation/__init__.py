"""What is made of predictions: average precision, recall, and their small records."""

from mmdet.evaluation.bbox_overlaps import bbox_overlaps
from mmdet.evaluation.class_names import (
    cityscapes_classes,
    coco_classes,
    get_classes,
    voc_classes,
    wider_face_classes,
)
from mmdet.evaluation.matching import tpfp_default, tpfp_imagenet
from mmdet.evaluation.mean_ap import average_precision, eval_map, print_map_summary
from mmdet.evaluation.recall import (
    eval_recalls,
    plot_iou_recall,
    plot_num_recall,
    print_recall_summary,
)
from mmdet.evaluation.records import encode_results

__all__ = [
    "average_precision",
    "bbox_overlaps",
    "cityscapes_classes",
    "coco_classes",
    "encode_results",
    "eval_map",
    "eval_recalls",
    "get_classes",
    "plot_iou_recall",
    "plot_num_recall",
    "print_map_summary",
    "print_recall_summary",
    "tpfp_default",
    "tpfp_imagenet",
    "voc_classes",
    "wider_face_classes",
]
