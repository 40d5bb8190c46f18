"""1.x import path of ``mmcv.cnn.activation``."""

from mmcv.cnn.activation import Swish

__all__ = ["Swish"]
