"""Necks that both tasks share; importing this registers them."""

from mmcv.necks.fpn import FPN

__all__ = ["FPN"]
