"""1.x import path."""

from mmdet.boxes import PseudoBBoxCoder

__all__ = [
    "PseudoBBoxCoder",
]
