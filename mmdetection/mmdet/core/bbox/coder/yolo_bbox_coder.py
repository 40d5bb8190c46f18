"""1.x import path."""

from mmdet.boxes import YOLOBBoxCoder

__all__ = [
    "YOLOBBoxCoder",
]
