"""1.x import path."""

from mmdet.boxes import HungarianAssigner, MaskHungarianAssigner

__all__ = ["HungarianAssigner", "MaskHungarianAssigner"]
