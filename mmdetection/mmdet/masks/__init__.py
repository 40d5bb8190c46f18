"""Masks of objects: bitmaps, polygons, targets and run lengths."""

from mmdet.masks.base_masks import BaseInstanceMasks
from mmdet.masks.bitmap_masks import BitmapMasks
from mmdet.masks.encoding import encode_mask_results, mask2bbox, split_combined_polys
from mmdet.masks.mask_target import mask_target
from mmdet.masks.polygon_masks import PolygonMasks, polygon_to_bitmap

__all__ = [
    "BaseInstanceMasks",
    "BitmapMasks",
    "PolygonMasks",
    "encode_mask_results",
    "mask2bbox",
    "mask_target",
    "polygon_to_bitmap",
    "split_combined_polys",
]
