"""1.x import path."""

from mmdet.boxes import CenterRegionAssigner

__all__ = ["CenterRegionAssigner"]
