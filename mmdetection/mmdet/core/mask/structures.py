"""1.x import path of masks."""

from mmdet.masks import BaseInstanceMasks, BitmapMasks, PolygonMasks, polygon_to_bitmap

__all__ = ["BaseInstanceMasks", "BitmapMasks", "PolygonMasks", "polygon_to_bitmap"]
