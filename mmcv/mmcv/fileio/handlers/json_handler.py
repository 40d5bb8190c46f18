"""JSON, with numpy values as plain numbers and lists."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mmcv.fileio.handlers.base import BaseFileHandler


def set_default(obj: Any) -> Any:
    """Returns what stands in JSON for a set, a range, a numpy array or a numpy number."""
    if isinstance(obj, (set, frozenset, range)):
        return list(obj)
    if isinstance(obj, np.ndarray):
        return obj.tolist()
    if isinstance(obj, np.generic):
        return obj.item()
    raise TypeError(f"{type(obj)} is unsupported for json dump")


class JsonHandler(BaseFileHandler):
    """Reads and writes JSON; keyword arguments are those of ``json.load`` and ``json.dump``."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Returns the object in an open file."""
        return json.load(file, **kwargs)

    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Writes an object to an open file."""
        kwargs.setdefault("default", set_default)
        json.dump(obj, file, **kwargs)

    def dump_to_str(self, obj: Any, **kwargs: Any) -> str:
        """Returns an object as JSON."""
        kwargs.setdefault("default", set_default)
        return json.dumps(obj, **kwargs)
