"""1.x import path."""

from mmdet.boxes import LegacyDeltaXYWHBBoxCoder

__all__ = [
    "LegacyDeltaXYWHBBoxCoder",
]
