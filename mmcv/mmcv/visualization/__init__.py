"""Colours and drawing."""

from mmcv.visualization.color import Color, color_val
from mmcv.visualization.image import imshow, imshow_bboxes, imshow_det_bboxes

__all__ = ["Color", "color_val", "imshow", "imshow_bboxes", "imshow_det_bboxes"]
