"""1.x import path."""

from mmcv.utils.latest_checkpoint import find_latest_checkpoint

__all__ = ["find_latest_checkpoint"]
