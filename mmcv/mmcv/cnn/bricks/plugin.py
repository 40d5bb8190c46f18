"""1.x import path of ``mmcv.cnn.plugin``."""

from mmcv.cnn.plugin import build_plugin_layer, infer_abbr
from mmcv.cnn.registry import PLUGIN_LAYERS

__all__ = ["PLUGIN_LAYERS", "build_plugin_layer", "infer_abbr"]
