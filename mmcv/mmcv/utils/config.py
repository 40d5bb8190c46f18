"""The 1.x import path of the config."""

from mmcv.config import Config, ConfigDict, DictAction

__all__ = ["Config", "ConfigDict", "DictAction"]
