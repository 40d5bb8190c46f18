"""1.x import path of ``mmcv.cnn.activation``."""

from mmcv.cnn.activation import HSwish

__all__ = ["HSwish"]
