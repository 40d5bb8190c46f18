"""1.x import path."""

from mmdet.boxes import SimOTAAssigner

__all__ = ["SimOTAAssigner"]
