"""1.x import path of ``mmcv.cnn.conv2d_adaptive_padding``."""

from mmcv.cnn.conv2d_adaptive_padding import Conv2dAdaptivePadding

__all__ = ["Conv2dAdaptivePadding"]
