"""1.x import path."""

from mmdet.boxes import ATSSAssigner

__all__ = ["ATSSAssigner"]
