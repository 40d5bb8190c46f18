"""1.x import path of ``mmcv.cnn.upsample``."""

from mmcv.cnn.registry import UPSAMPLE_LAYERS
from mmcv.cnn.upsample import PixelShufflePack, build_upsample_layer

__all__ = ["UPSAMPLE_LAYERS", "PixelShufflePack", "build_upsample_layer"]
