"""1.x import path of ``mmcv.cnn.conv_module``."""

from mmcv.cnn.conv_module import ConvModule

__all__ = ["ConvModule"]
