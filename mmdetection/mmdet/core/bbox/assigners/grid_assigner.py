"""1.x import path."""

from mmdet.boxes import GridAssigner

__all__ = ["GridAssigner"]
