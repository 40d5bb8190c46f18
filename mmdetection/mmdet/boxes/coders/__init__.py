"""Box coders: what heads predict, as boxes."""

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.boxes.coders.delta_xywh_bbox_coder import DeltaXYWHBBoxCoder, bbox2delta, delta2bbox
from mmdet.boxes.coders.distance_point_bbox_coder import DistancePointBBoxCoder
from mmdet.boxes.coders.legacy_delta_xywh_bbox_coder import LegacyDeltaXYWHBBoxCoder
from mmdet.boxes.coders.pseudo_bbox_coder import PseudoBBoxCoder
from mmdet.boxes.coders.tblr_bbox_coder import TBLRBBoxCoder
from mmdet.boxes.coders.yolo_bbox_coder import YOLOBBoxCoder

__all__ = [
    "BaseBBoxCoder",
    "DeltaXYWHBBoxCoder",
    "DistancePointBBoxCoder",
    "LegacyDeltaXYWHBBoxCoder",
    "PseudoBBoxCoder",
    "TBLRBBoxCoder",
    "YOLOBBoxCoder",
    "bbox2delta",
    "delta2bbox",
]
