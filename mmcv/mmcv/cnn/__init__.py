"""Building blocks of models: layers by name, convolution modules, attention, initialisers."""

from mmcv.cnn.activation import GELU, Clamp, HSigmoid, HSwish, Swish, build_activation_layer
from mmcv.cnn.builder import build_model_from_cfg
from mmcv.cnn.context_block import ContextBlock
from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.conv2d_adaptive_padding import Conv2dAdaptivePadding
from mmcv.cnn.conv_module import ConvModule
from mmcv.cnn.conv_ws import ConvAWS2d, ConvWS2d
from mmcv.cnn.depthwise_separable_conv_module import DepthwiseSeparableConvModule
from mmcv.cnn.detr_transformer import (
    DetrTransformerDecoder,
    DetrTransformerDecoderLayer,
    DetrTransformerEncoder,
)
from mmcv.cnn.drop import Dropout, DropPath, build_dropout
from mmcv.cnn.flops_counter import flops_to_string, get_model_complexity_info, params_to_string
from mmcv.cnn.fuse_conv_bn import fuse_conv_bn
from mmcv.cnn.generalized_attention import GeneralizedAttention
from mmcv.cnn.initializers import (
    Caffe2XavierInit,
    ConstantInit,
    KaimingInit,
    NormalInit,
    PretrainedInit,
    TruncNormalInit,
    UniformInit,
    XavierInit,
    initialize,
)
from mmcv.cnn.non_local import NonLocal1d, NonLocal2d, NonLocal3d
from mmcv.cnn.norm import build_norm_layer, is_norm
from mmcv.cnn.padding import build_padding_layer
from mmcv.cnn.patch_embed import AdaptivePadding, PatchEmbed, PatchMerging
from mmcv.cnn.plugin import build_plugin_layer
from mmcv.cnn.positional_encoding import LearnedPositionalEncoding, SinePositionalEncoding
from mmcv.cnn.registry import (
    ACTIVATION_LAYERS,
    CONV_LAYERS,
    DROPOUT_LAYERS,
    INITIALIZERS,
    MODELS,
    NORM_LAYERS,
    PADDING_LAYERS,
    PLUGIN_LAYERS,
    UPSAMPLE_LAYERS,
)
from mmcv.cnn.scale import Scale
from mmcv.cnn.sync_batch_norm import SyncBatchNorm, revert_sync_batchnorm
from mmcv.cnn.transformer import FFN, MultiheadAttention
from mmcv.cnn.transformer_layer import BaseTransformerLayer, TransformerLayerSequence
from mmcv.cnn.upsample import PixelShufflePack, build_upsample_layer
from mmcv.cnn.vgg import VGG, make_vgg_layer
from mmcv.cnn.weight_init import (
    bias_init_with_prob,
    caffe2_xavier_init,
    constant_init,
    kaiming_init,
    normal_init,
    trunc_normal_init,
    uniform_init,
    xavier_init,
)
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
    "ACTIVATION_LAYERS",
    "CONV_LAYERS",
    "DROPOUT_LAYERS",
    "FFN",
    "GELU",
    "INITIALIZERS",
    "MODELS",
    "NORM_LAYERS",
    "PADDING_LAYERS",
    "PLUGIN_LAYERS",
    "UPSAMPLE_LAYERS",
    "VGG",
    "AdaptivePadding",
    "BaseTransformerLayer",
    "Caffe2XavierInit",
    "Clamp",
    "ConstantInit",
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
    "DetrTransformerDecoder",
    "DetrTransformerDecoderLayer",
    "DetrTransformerEncoder",
    "DropPath",
    "Dropout",
    "GeneralizedAttention",
    "HSigmoid",
    "HSwish",
    "KaimingInit",
    "LearnedPositionalEncoding",
    "Linear",
    "MaxPool2d",
    "MaxPool3d",
    "MultiheadAttention",
    "NonLocal1d",
    "NonLocal2d",
    "NonLocal3d",
    "NormalInit",
    "PatchEmbed",
    "PatchMerging",
    "PixelShufflePack",
    "PretrainedInit",
    "Scale",
    "SinePositionalEncoding",
    "Swish",
    "SyncBatchNorm",
    "TransformerLayerSequence",
    "TruncNormalInit",
    "UniformInit",
    "XavierInit",
    "bias_init_with_prob",
    "build_activation_layer",
    "build_conv_layer",
    "build_dropout",
    "build_model_from_cfg",
    "build_norm_layer",
    "build_padding_layer",
    "build_plugin_layer",
    "build_upsample_layer",
    "caffe2_xavier_init",
    "constant_init",
    "flops_to_string",
    "fuse_conv_bn",
    "get_model_complexity_info",
    "initialize",
    "is_norm",
    "kaiming_init",
    "make_vgg_layer",
    "normal_init",
    "params_to_string",
    "revert_sync_batchnorm",
    "trunc_normal_init",
    "uniform_init",
    "xavier_init",
]
