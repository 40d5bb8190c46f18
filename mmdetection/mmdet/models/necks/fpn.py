"""The feature pyramid network, which both tasks share, at its 1.x import path."""

from mmcv.necks.fpn import FPN

__all__ = ["FPN"]
