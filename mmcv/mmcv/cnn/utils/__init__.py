"""1.x import path of initialisers, counters and norm conversions."""

from mmcv.cnn.flops_counter import get_model_complexity_info
from mmcv.cnn.fuse_conv_bn import fuse_conv_bn
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
from mmcv.cnn.registry import INITIALIZERS
from mmcv.cnn.sync_batch_norm import revert_sync_batchnorm
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

__all__ = [
    "INITIALIZERS",
    "Caffe2XavierInit",
    "ConstantInit",
    "KaimingInit",
    "NormalInit",
    "PretrainedInit",
    "TruncNormalInit",
    "UniformInit",
    "XavierInit",
    "bias_init_with_prob",
    "caffe2_xavier_init",
    "constant_init",
    "fuse_conv_bn",
    "get_model_complexity_info",
    "initialize",
    "kaiming_init",
    "normal_init",
    "revert_sync_batchnorm",
    "trunc_normal_init",
    "uniform_init",
    "xavier_init",
]
