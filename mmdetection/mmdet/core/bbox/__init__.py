"""1.x import path of everything on boxes."""

from mmdet.boxes import (
    BboxOverlaps2D,
    bbox2distance,
    bbox2result,
    bbox2roi,
    bbox_cxcywh_to_xyxy,
    bbox_flip,
    bbox_mapping,
    bbox_mapping_back,
    bbox_overlaps,
    bbox_rescale,
    bbox_xyxy_to_cxcywh,
    build_assigner,
    build_bbox_coder,
    build_iou_calculator,
    build_sampler,
    distance2bbox,
    find_inside_bboxes,
    roi2bbox,
)
from mmdet.core.bbox import demodata
from mmdet.core.bbox.assigners import *  # noqa: F403
from mmdet.core.bbox.coder import *  # noqa: F403
from mmdet.core.bbox.samplers import *  # noqa: F403

__all__ = [
    "BboxOverlaps2D",
    "bbox2distance",
    "bbox2result",
    "bbox2roi",
    "bbox_cxcywh_to_xyxy",
    "bbox_flip",
    "bbox_mapping",
    "bbox_mapping_back",
    "bbox_overlaps",
    "bbox_rescale",
    "bbox_xyxy_to_cxcywh",
    "build_assigner",
    "build_bbox_coder",
    "build_iou_calculator",
    "build_sampler",
    "demodata",
    "distance2bbox",
    "find_inside_bboxes",
    "roi2bbox",
]
