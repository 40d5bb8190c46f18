"""File formats."""

from mmcv.fileio.handlers.base import BaseFileHandler
from mmcv.fileio.handlers.json_handler import JsonHandler
from mmcv.fileio.handlers.pickle_handler import PickleHandler
from mmcv.fileio.handlers.yaml_handler import YamlHandler

__all__ = ["BaseFileHandler", "JsonHandler", "PickleHandler", "YamlHandler"]
