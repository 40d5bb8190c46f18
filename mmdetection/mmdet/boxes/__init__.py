"""Boxes: anchors, coders, overlaps, assignment, sampling, suppression.

Importing this package registers the names that configs use.
"""

from mmdet.boxes.anchor_flags import anchor_inside_flags, calc_region
from mmdet.boxes.anchor_generator import AnchorGenerator
from mmdet.boxes.apply import (
    center_of_mass,
    filter_scores_and_topk,
    flip_tensor,
    generate_coordinate,
    images_to_levels,
    mask2ndarray,
    multi_apply,
    reduce_mean,
    select_single_mlvl,
    unmap,
)
from mmdet.boxes.assigners import *  # noqa: F403
from mmdet.boxes.builder import (
    ANCHOR_GENERATORS,
    BBOX_ASSIGNERS,
    BBOX_CODERS,
    BBOX_SAMPLERS,
    IOU_CALCULATORS,
    MATCH_COST,
    PRIOR_GENERATORS,
    build_anchor_generator,
    build_assigner,
    build_bbox_coder,
    build_iou_calculator,
    build_match_cost,
    build_prior_generator,
    build_sampler,
)
from mmdet.boxes.coders import *  # noqa: F403
from mmdet.boxes.instance_data import GeneralData, InstanceData
from mmdet.boxes.iou import BboxOverlaps2D, bbox_overlaps
from mmdet.boxes.match_costs import (
    BBoxL1Cost,
    ClassificationCost,
    CrossEntropyLossCost,
    DiceCost,
    FocalLossCost,
    IoUCost,
)
from mmdet.boxes.merge_augs import (
    merge_aug_bboxes,
    merge_aug_masks,
    merge_aug_proposals,
    merge_aug_scores,
)
from mmdet.boxes.nms import fast_nms, mask_matrix_nms, multiclass_nms
from mmdet.boxes.point_generator import MlvlPointGenerator, PointGenerator
from mmdet.boxes.samplers import *  # noqa: F403
from mmdet.boxes.ssd_anchor_generator import (
    LegacyAnchorGenerator,
    LegacySSDAnchorGenerator,
    SSDAnchorGenerator,
    YOLOAnchorGenerator,
)
from mmdet.boxes.transforms import (
    bbox2distance,
    bbox2result,
    bbox2roi,
    bbox_cxcywh_to_xyxy,
    bbox_flip,
    bbox_mapping,
    bbox_mapping_back,
    bbox_rescale,
    bbox_xyxy_to_cxcywh,
    distance2bbox,
    find_inside_bboxes,
    roi2bbox,
)

__all__ = [
    "ANCHOR_GENERATORS",
    "BBOX_ASSIGNERS",
    "BBOX_CODERS",
    "BBOX_SAMPLERS",
    "IOU_CALCULATORS",
    "MATCH_COST",
    "PRIOR_GENERATORS",
    "AnchorGenerator",
    "BBoxL1Cost",
    "BboxOverlaps2D",
    "ClassificationCost",
    "CrossEntropyLossCost",
    "DiceCost",
    "FocalLossCost",
    "GeneralData",
    "InstanceData",
    "IoUCost",
    "LegacyAnchorGenerator",
    "LegacySSDAnchorGenerator",
    "MlvlPointGenerator",
    "PointGenerator",
    "SSDAnchorGenerator",
    "YOLOAnchorGenerator",
    "anchor_inside_flags",
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
    "build_anchor_generator",
    "build_assigner",
    "build_bbox_coder",
    "build_iou_calculator",
    "build_match_cost",
    "build_prior_generator",
    "build_sampler",
    "calc_region",
    "center_of_mass",
    "distance2bbox",
    "fast_nms",
    "filter_scores_and_topk",
    "find_inside_bboxes",
    "flip_tensor",
    "generate_coordinate",
    "images_to_levels",
    "mask2ndarray",
    "mask_matrix_nms",
    "merge_aug_bboxes",
    "merge_aug_masks",
    "merge_aug_proposals",
    "merge_aug_scores",
    "multi_apply",
    "multiclass_nms",
    "reduce_mean",
    "roi2bbox",
    "select_single_mlvl",
    "unmap",
]
