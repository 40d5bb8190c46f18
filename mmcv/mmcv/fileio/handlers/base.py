"""What a file format offers."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

from mmcv.utils.path import PathLike


class BaseFileHandler(metaclass=ABCMeta):
    """Reads and writes one format; users register their own with ``register_handler``.

    Attributes:
        str_like: whether the format is text; binary formats get binary file objects.
    """

    str_like = True

    @abstractmethod
    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Returns the object in an open file."""

    @abstractmethod
    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Writes an object to an open file."""

    @abstractmethod
    def dump_to_str(self, obj: Any, **kwargs: Any) -> str | bytes:
        """Returns what ``dump_to_fileobj`` would write."""

    def load_from_path(self, filepath: PathLike, mode: str = "r", **kwargs: Any) -> Any:
        """Returns the object in a file."""
        with open(filepath, mode) as file:
            return self.load_from_fileobj(file, **kwargs)

    def dump_to_path(self, obj: Any, filepath: PathLike, mode: str = "w", **kwargs: Any) -> None:
        """Writes an object to a file."""
        with open(filepath, mode) as file:
            self.dump_to_fileobj(obj, file, **kwargs)
