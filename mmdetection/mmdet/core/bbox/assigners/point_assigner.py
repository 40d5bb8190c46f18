"""1.x import path."""

from mmdet.boxes import PointAssigner

__all__ = ["PointAssigner"]
