"""1.x import path."""

from mmdet.evaluation.class_names import coco_classes, get_classes, voc_classes

__all__ = ["coco_classes", "get_classes", "voc_classes"]
