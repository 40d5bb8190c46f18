"""1.x import path of initialisers, counters and norm conversions; they live in ``mmcv.cnn``."""

from mmcv.cnn.flops_counter import get_model_complexity_info as get_model_complexity_info
from mmcv.cnn.fuse_conv_bn import fuse_conv_bn as fuse_conv_bn
from mmcv.cnn.sync_batch_norm import revert_sync_batchnorm as revert_sync_batchnorm
from mmcv.cnn.utils.weight_init import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
