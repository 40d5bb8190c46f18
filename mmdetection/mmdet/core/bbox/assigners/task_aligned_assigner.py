"""1.x import path."""

from mmdet.boxes import TaskAlignedAssigner

__all__ = ["TaskAlignedAssigner"]
