"""YAML for data: tuples keep their type, and no tag can run code."""

from __future__ import annotations

from typing import Any

import numpy as np
import yaml

from mmcv.fileio.handlers.base import BaseFileHandler

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C form is in most builds
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
TUPLE_TAG = "tag:yaml.org,2002:python/tuple"


class DataLoader(_Loader):
    """Reads YAML's own types and tuples."""


class DataDumper(_Dumper):
    """Writes YAML's own types, tuples, dicts of any kind, and numpy values as plain ones."""


DataLoader.add_constructor(
    TUPLE_TAG, lambda loader, node: tuple(loader.construct_sequence(node, deep=True))
)
DataDumper.add_representer(tuple, lambda dumper, value: dumper.represent_sequence(TUPLE_TAG, value))
DataDumper.add_multi_representer(dict, lambda dumper, value: dumper.represent_dict(dict(value)))
DataDumper.add_multi_representer(
    np.generic, lambda dumper, value: dumper.represent_data(value.item())
)
DataDumper.add_representer(np.ndarray, lambda dumper, value: dumper.represent_data(value.tolist()))


class YamlHandler(BaseFileHandler):
    """Reads and writes YAML; keyword arguments are those of ``yaml.load`` and ``yaml.dump``."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Returns the object in an open file."""
        kwargs.setdefault("Loader", DataLoader)
        return yaml.load(file, **kwargs)

    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Writes an object to an open file."""
        kwargs.setdefault("Dumper", DataDumper)
        yaml.dump(obj, file, **kwargs)

    def dump_to_str(self, obj: Any, **kwargs: Any) -> str:
        """Returns an object as YAML."""
        kwargs.setdefault("Dumper", DataDumper)
        return yaml.dump(obj, **kwargs)
