"""1.x import path of ``mmcv.cnn.drop``."""

from mmcv.cnn.drop import Dropout, DropPath, build_dropout, drop_path
from mmcv.cnn.registry import DROPOUT_LAYERS

__all__ = ["DROPOUT_LAYERS", "DropPath", "Dropout", "build_dropout", "drop_path"]
