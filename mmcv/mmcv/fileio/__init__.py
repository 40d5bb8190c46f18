"""Files and storage, by format and by place."""

from mmcv.fileio.backends import BaseStorageBackend, HardDiskBackend, HTTPBackend
from mmcv.fileio.file_client import FileClient

__all__ = ["BaseStorageBackend", "FileClient", "HTTPBackend", "HardDiskBackend"]
