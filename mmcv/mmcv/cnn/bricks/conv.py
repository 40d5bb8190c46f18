"""1.x import path of ``mmcv.cnn.conv``."""

from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.registry import CONV_LAYERS

__all__ = ["CONV_LAYERS", "build_conv_layer"]
