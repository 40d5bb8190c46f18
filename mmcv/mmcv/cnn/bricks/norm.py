"""1.x import path of ``mmcv.cnn.norm``."""

from mmcv.cnn.norm import build_norm_layer, infer_abbr, is_norm
from mmcv.cnn.registry import NORM_LAYERS

__all__ = ["NORM_LAYERS", "build_norm_layer", "infer_abbr", "is_norm"]
