"""Pickle, read without trust unless the caller says otherwise."""

from __future__ import annotations

import pickle
from typing import Any

from mmcv.fileio import restricted_pickle
from mmcv.fileio.handlers.base import BaseFileHandler
from mmcv.utils.path import PathLike

PROTOCOL = 4  # for objects above 4 GB; 1.x wrote protocol 2, which is read too


class PickleHandler(BaseFileHandler):
    """Reads and writes pickles of containers, numpy arrays and torch tensors."""

    str_like = False

    def load_from_fileobj(self, file: Any, unsafe: bool = False, **kwargs: Any) -> Any:
        """Returns the object in an open file.

        Args:
            file: binary file object.
            unsafe: load any class. The file can then run any code: only for files that you trust.
            kwargs: those of ``pickle.load``.

        Raises:
            UnsafePickleError: the pickle holds another class, and ``unsafe`` is not set.
        """
        read = pickle.load if unsafe else restricted_pickle.load
        return read(file, **kwargs)

    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Writes an object to an open file."""
        kwargs.setdefault("protocol", PROTOCOL)
        pickle.dump(obj, file, **kwargs)

    def dump_to_str(self, obj: Any, **kwargs: Any) -> bytes:
        """Returns an object as a pickle."""
        kwargs.setdefault("protocol", PROTOCOL)
        return pickle.dumps(obj, **kwargs)

    def load_from_path(self, filepath: PathLike, mode: str = "rb", **kwargs: Any) -> Any:
        """Returns the object in a file."""
        return super().load_from_path(filepath, mode, **kwargs)

    def dump_to_path(self, obj: Any, filepath: PathLike, mode: str = "wb", **kwargs: Any) -> None:
        """Writes an object to a file."""
        super().dump_to_path(obj, filepath, mode, **kwargs)
