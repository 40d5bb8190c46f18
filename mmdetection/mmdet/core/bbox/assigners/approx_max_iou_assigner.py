"""1.x import path."""

from mmdet.boxes import ApproxMaxIoUAssigner

__all__ = ["ApproxMaxIoUAssigner"]
