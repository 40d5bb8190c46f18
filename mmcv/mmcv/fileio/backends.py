"""Where files are: on disk, or read-only behind HTTP."""

from __future__ import annotations

import os
import tempfile
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import urlopen

from mmcv.registry import ConfigError
from mmcv.utils.path import PathLike, mkdir_or_exist, walk

HTTP_TIMEOUT = 60.0  # seconds without an answer, after which a server counts as gone


class BaseStorageBackend(metaclass=ABCMeta):
    """What a storage offers at least; users register their own with ``FileClient``."""

    # Whether a link can stand for a copy; checkpoints then link the latest one.
    _allow_symlink = False

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @property
    def allow_symlink(self) -> bool:
        """Whether the storage has symbolic links."""
        return self._allow_symlink

    @abstractmethod
    def get(self, filepath: PathLike) -> bytes:
        """Returns the content of a file."""

    @abstractmethod
    def get_text(self, filepath: PathLike, encoding: str = "utf-8") -> str:
        """Returns the content of a text file."""


class HardDiskBackend(BaseStorageBackend):
    """Files of this machine."""

    _allow_symlink = True

    def get(self, filepath: PathLike) -> bytes:
        """Returns the content of a file."""
        return Path(filepath).read_bytes()

    def get_text(self, filepath: PathLike, encoding: str = "utf-8") -> str:
        """Returns the content of a text file, with every end of line as a newline."""
        return Path(filepath).read_text(encoding=encoding)

    def put(self, obj: bytes, filepath: PathLike) -> None:
        """Writes a file and the folders above it; the old content stays until the new is whole."""
        target = os.path.realpath(filepath)
        if os.path.exists(target) and not os.path.isfile(target):  # such as /dev/null
            Path(target).write_bytes(obj)
            return
        mkdir_or_exist(os.path.dirname(target))
        beside = f"{target}.{os.getpid()}.tmp"
        try:
            Path(beside).write_bytes(obj)
            os.replace(beside, target)
        finally:
            Path(beside).unlink(missing_ok=True)

    def put_text(self, obj: str, filepath: PathLike, encoding: str = "utf-8") -> None:
        """Writes a text file as ``put`` does."""
        self.put(obj.encode(encoding), filepath)

    def remove(self, filepath: PathLike) -> None:
        """Deletes a file."""
        os.remove(filepath)

    def exists(self, filepath: PathLike) -> bool:
        """Whether there is a file or folder."""
        return os.path.exists(filepath)

    def isdir(self, filepath: PathLike) -> bool:
        """Whether there is a folder."""
        return os.path.isdir(filepath)

    def isfile(self, filepath: PathLike) -> bool:
        """Whether there is a file."""
        return os.path.isfile(filepath)

    def join_path(self, filepath: PathLike, *filepaths: PathLike) -> str:
        """Joins paths as ``os.path.join`` does."""
        return os.path.join(str(filepath), *map(str, filepaths))

    @contextmanager
    def get_local_path(self, filepath: PathLike) -> Iterator[PathLike]:
        """Yields the path itself: the file is here."""
        yield filepath

    def list_dir_or_file(
        self,
        dir_path: PathLike,
        list_dir: bool = True,
        list_file: bool = True,
        suffix: str | tuple[str, ...] | None = None,
        recursive: bool = False,
    ) -> Iterator[str]:
        """Yields what a folder holds, sorted, relative to it; hidden files are left out.

        Args:
            dir_path: the folder.
            list_dir: list folders.
            list_file: list files.
            suffix: only files that end so; ``list_dir`` must be False then.
            recursive: go into sub-folders.
        """
        if list_dir and suffix is not None:
            raise TypeError("`suffix` should be None when `list_dir` is True")
        if suffix is not None and not isinstance(suffix, (str, tuple)):
            raise TypeError("`suffix` must be a string or tuple of strings")
        found = walk(dir_path, recursive=recursive)
        return (
            path
            for path, is_dir in found
            if (list_dir if is_dir else list_file and (suffix is None or path.endswith(suffix)))
        )


class HTTPBackend(BaseStorageBackend):
    """Files behind ``http://`` and ``https://``, for reading."""

    def get(self, filepath: PathLike) -> bytes:
        """Downloads a file."""
        url = str(filepath)
        # urlopen also opens file:// and ftp://, which nobody asked for.
        if urlparse(url).scheme not in ("http", "https"):
            raise ConfigError(f"{url!r} is not an http:// or https:// address")
        with urlopen(url, timeout=HTTP_TIMEOUT) as response:
            return response.read()

    def get_text(self, filepath: PathLike, encoding: str = "utf-8") -> str:
        """Downloads a text file."""
        return self.get(filepath).decode(encoding)

    @contextmanager
    def get_local_path(self, filepath: PathLike) -> Iterator[str]:
        """Downloads a file, yields where it is, and deletes it afterwards."""
        suffix = Path(urlparse(str(filepath)).path).suffix
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, f"download{suffix}")
            Path(local).write_bytes(self.get(filepath))
            yield local
