from importlib import import_module

import pytest

PATHS = {
    "mmdet.core": "bbox2result bbox2roi bbox_cxcywh_to_xyxy bbox_mapping bbox_mapping_back"
    " bbox_xyxy_to_cxcywh build_assigner build_sampler merge_aug_masks multi_apply multiclass_nms"
    " reduce_mean InstanceData BitmapMasks AnchorGenerator build_prior_generator images_to_levels"
    " distance2bbox mask_target select_single_mlvl anchor_inside_flags unmap",
    "mmdet.core.anchor": "AnchorGenerator MlvlPointGenerator SSDAnchorGenerator"
    " YOLOAnchorGenerator build_anchor_generator build_prior_generator",
    "mmdet.core.anchor.builder": "ANCHOR_GENERATORS PRIOR_GENERATORS",
    "mmdet.core.bbox": "demodata AssignResult MaxIoUAssigner RandomSampler DeltaXYWHBBoxCoder",
    "mmdet.core.bbox.assigners": "ApproxMaxIoUAssigner AssignResult CenterRegionAssigner"
    " HungarianAssigner MaskHungarianAssigner MaxIoUAssigner PointAssigner SimOTAAssigner"
    " TaskAlignedAssigner UniformAssigner",
    "mmdet.core.bbox.assigners.assign_result": "AssignResult",
    "mmdet.core.bbox.builder": "BBOX_ASSIGNERS BBOX_CODERS BBOX_SAMPLERS build_bbox_coder",
    "mmdet.core.bbox.coder": "YOLOBBoxCoder DistancePointBBoxCoder TBLRBBoxCoder",
    "mmdet.core.bbox.coder.delta_xywh_bbox_coder": "DeltaXYWHBBoxCoder",
    "mmdet.core.bbox.demodata": "ensure_rng random_boxes",
    "mmdet.core.bbox.iou_calculators": "BboxOverlaps2D bbox_overlaps build_iou_calculator",
    "mmdet.core.bbox.match_costs": "BBoxL1Cost FocalLossCost build_match_cost",
    "mmdet.core.bbox.match_costs.builder": "MATCH_COST",
    "mmdet.core.bbox.samplers": "OHEMSampler RandomSampler SamplingResult CombinedSampler",
    "mmdet.core.bbox.samplers.random_sampler": "RandomSampler",
    "mmdet.core.bbox.transforms": "find_inside_bboxes bbox_flip",
    "mmdet.core.data_structures": "GeneralData InstanceData",
    "mmdet.core.mask": "BitmapMasks PolygonMasks encode_mask_results mask_target",
    "mmdet.core.mask.structures": "BitmapMasks PolygonMasks polygon_to_bitmap",
    "mmdet.core.mask.utils": "mask2bbox",
    "mmdet.core.post_processing": "mask_matrix_nms multiclass_nms fast_nms merge_aug_proposals",
    "mmdet.core.utils": "center_of_mass filter_scores_and_topk flip_tensor mask2ndarray",
    "mmdet.core.utils.dist_utils": "reduce_mean",
    "mmdet.models.builder": "BACKBONES DETECTORS HEADS LOSSES NECKS build_detector build_loss",
    "mmdet.models.losses.utils": "weight_reduce_loss weighted_loss reduce_loss",
}


@pytest.mark.parametrize("path", PATHS)
def test_the_paths_that_plug_ins_import_exist(path):
    module = import_module(path)
    missing = [name for name in PATHS[path].split() if not hasattr(module, name)]
    assert not missing
