"""1.x import path of ``mmcv.cnn.fuse_conv_bn``."""

from mmcv.cnn.fuse_conv_bn import fuse_conv_bn

__all__ = ["fuse_conv_bn"]
