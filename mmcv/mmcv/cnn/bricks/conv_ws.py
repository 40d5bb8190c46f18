"""1.x import path of ``mmcv.cnn.conv_ws``."""

from mmcv.cnn.conv_ws import ConvAWS2d, ConvWS2d

__all__ = ["ConvAWS2d", "ConvWS2d"]
