"""1.x import path."""

from mmdet.boxes import MaxIoUAssigner

__all__ = ["MaxIoUAssigner"]
