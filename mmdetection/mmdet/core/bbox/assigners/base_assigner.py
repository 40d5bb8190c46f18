"""1.x import path."""

from mmdet.boxes import BaseAssigner

__all__ = ["BaseAssigner"]
