"""Files and folders that a config names, found from wherever the program was started."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from mmcv.config import Config, resolve_path
from mmcv.registry import ConfigError

PATH_KEYS = ("pretrained", "checkpoint", "data_root", "load_from")
# Below ``data_root``, if there is one.
DATA_KEYS = ("img_dir", "ann_dir", "ann_file", "img_prefix", "seg_prefix", "proposal_file", "split")


def resolve_paths(cfg: Config) -> None:
    """Makes relative paths absolute that exist above the config file, but not where we are.

    ``pretrained='./pretrained/x.pth'`` and ``data_root='data/ade'`` are meant from the task's
    folder. What exists nowhere stays: who needs it says so, with its name.
    """
    for section, key in _paths(cfg._cfg_dict):
        value = section[key]
        if "://" in value or not value or Path(value).expanduser().exists():
            continue
        try:
            section[key] = str(resolve_path(value, cfg, key))
        except ConfigError:
            continue


def _paths(tree: Any) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    """Yields where the paths are: mapping and key."""
    items = tree.values() if isinstance(tree, MutableMapping) else tree
    for item in items:
        if isinstance(item, (MutableMapping, list, tuple)):
            yield from _paths(item)
    if isinstance(tree, MutableMapping):
        keys = PATH_KEYS if tree.get("data_root") else PATH_KEYS + DATA_KEYS
        yield from ((tree, key) for key in keys if isinstance(tree.get(key), str))
