"""1.x import path of masks."""

from mmdet.masks import (
    BaseInstanceMasks,
    BitmapMasks,
    PolygonMasks,
    encode_mask_results,
    mask2bbox,
    mask_target,
    split_combined_polys,
)

__all__ = [
    "BaseInstanceMasks",
    "BitmapMasks",
    "PolygonMasks",
    "encode_mask_results",
    "mask2bbox",
    "mask_target",
    "split_combined_polys",
]
