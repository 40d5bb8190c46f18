"""1.x import path of ``mmcv.cnn.depthwise_separable_conv_module``."""

from mmcv.cnn.depthwise_separable_conv_module import DepthwiseSeparableConvModule

__all__ = ["DepthwiseSeparableConvModule"]
