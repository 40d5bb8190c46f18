"""1.x import path of random boxes."""

from mmdet.boxes.demodata import ensure_rng, random_boxes

__all__ = ["ensure_rng", "random_boxes"]
