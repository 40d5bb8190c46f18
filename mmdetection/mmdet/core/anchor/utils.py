"""1.x import path of anchor flags."""

from mmdet.boxes import anchor_inside_flags, calc_region, images_to_levels

__all__ = ["anchor_inside_flags", "calc_region", "images_to_levels"]
