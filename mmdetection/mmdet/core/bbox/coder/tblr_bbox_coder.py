"""1.x import path."""

from mmdet.boxes import TBLRBBoxCoder

__all__ = [
    "TBLRBBoxCoder",
]
