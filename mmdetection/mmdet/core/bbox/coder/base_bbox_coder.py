"""1.x import path."""

from mmdet.boxes import BaseBBoxCoder

__all__ = [
    "BaseBBoxCoder",
]
