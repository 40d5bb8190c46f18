"""1.x import path of ``mmcv.cnn.padding``."""

from mmcv.cnn.padding import build_padding_layer
from mmcv.cnn.registry import PADDING_LAYERS

__all__ = ["PADDING_LAYERS", "build_padding_layer"]
