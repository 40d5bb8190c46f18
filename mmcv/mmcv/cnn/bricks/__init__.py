"""1.x import path of the building blocks; they live in ``mmcv.cnn``."""

from mmcv.cnn.activation import GELU, Clamp, HSigmoid, HSwish, Swish, build_activation_layer
from mmcv.cnn.context_block import ContextBlock
from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.conv2d_adaptive_padding import Conv2dAdaptivePadding
from mmcv.cnn.conv_module import ConvModule
from mmcv.cnn.conv_ws import ConvAWS2d, ConvWS2d
from mmcv.cnn.depthwise_separable_conv_module import DepthwiseSeparableConvModule
from mmcv.cnn.drop import Dropout, DropPath, build_dropout
from mmcv.cnn.generalized_attention import GeneralizedAttention
from mmcv.cnn.non_local import NonLocal1d, NonLocal2d, NonLocal3d
from mmcv.cnn.norm import build_norm_layer, is_norm
from mmcv.cnn.padding import build_padding_layer
from mmcv.cnn.plugin import build_plugin_layer
from mmcv.cnn.scale import Scale
from mmcv.cnn.upsample import PixelShufflePack, build_upsample_layer
from mmcv.cnn.wrappers import (
    Conv2d,
    Conv3d,
    ConvTranspose2d,
    ConvTranspose3d,
    Linear,
    MaxPool2d,
    MaxPool3d,
)

__all__ = [
    "GELU",
    "Clamp",
    "ContextBlock",
    "Conv2d",
    "Conv2dAdaptivePadding",
    "Conv3d",
    "ConvAWS2d",
    "ConvModule",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "ConvWS2d",
    "DepthwiseSeparableConvModule",
    "DropPath",
    "Dropout",
    "GeneralizedAttention",
    "HSigmoid",
    "HSwish",
    "Linear",
    "MaxPool2d",
    "MaxPool3d",
    "NonLocal1d",
    "NonLocal2d",
    "NonLocal3d",
    "PixelShufflePack",
    "Scale",
    "Swish",
    "build_activation_layer",
    "build_conv_layer",
    "build_dropout",
    "build_norm_layer",
    "build_padding_layer",
    "build_plugin_layer",
    "build_upsample_layer",
    "is_norm",
]
