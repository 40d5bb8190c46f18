"""1.x import path of ``mmcv.cnn.activation``."""

from mmcv.cnn.activation import GELU, Clamp, build_activation_layer
from mmcv.cnn.registry import ACTIVATION_LAYERS

__all__ = ["ACTIVATION_LAYERS", "GELU", "Clamp", "build_activation_layer"]
