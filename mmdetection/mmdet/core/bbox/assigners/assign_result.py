"""1.x import path."""

from mmdet.boxes import AssignResult

__all__ = ["AssignResult"]
