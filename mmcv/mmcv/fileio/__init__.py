"""Files and storage, by format and by place."""

from mmcv.fileio.backends import BaseStorageBackend, HardDiskBackend, HTTPBackend
from mmcv.fileio.file_client import FileClient
from mmcv.fileio.handlers import BaseFileHandler, JsonHandler, PickleHandler, YamlHandler
from mmcv.fileio.io import dump, load, register_handler
from mmcv.fileio.parse import dict_from_file, list_from_file
from mmcv.fileio.restricted_pickle import UnsafePickleError

__all__ = [
    "BaseFileHandler",
    "BaseStorageBackend",
    "FileClient",
    "HTTPBackend",
    "HardDiskBackend",
    "JsonHandler",
    "PickleHandler",
    "UnsafePickleError",
    "YamlHandler",
    "dict_from_file",
    "dump",
    "list_from_file",
    "load",
    "register_handler",
]
