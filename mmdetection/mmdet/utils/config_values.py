"""Changes of configs that 1.x tools make before they use them."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from typing import Any

from mmcv.config import Config
from mmcv.registry import ConfigError
from mmcv.utils import print_log

REFERENCE = re.compile(r"\$\{[a-zA-Z\d_.]*\}")


def replace_cfg_vals(ori_cfg: Config) -> Config:
    """Returns a config whose texts ``${a.b}`` are replaced by the value of ``a.b``.

    Raises:
        ConfigError: a key does not exist, or a dict or list is to be put into a text.
    """
    values = {key: _replaced(value, ori_cfg) for key, value in ori_cfg.items()}
    changed = Config(values, filename=ori_cfg.filename)
    if ori_cfg.get("model_wrapper") is not None and "model" in values:
        changed.model = {**values["model_wrapper"], "model": values["model"]}
    return changed


def _replaced(value: Any, cfg: Config) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(one, cfg) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(one, cfg) for one in value)
    if not isinstance(value, str):
        return value
    for reference in REFERENCE.findall(value):
        found = _look_up(cfg, reference)
        if reference == value:
            return found
        if isinstance(found, (Mapping, list, tuple)):
            raise ConfigError(f"{reference} in {value!r} is a {type(found).__name__}, not a text")
        value = value.replace(reference, str(found))
    return value


def _look_up(cfg: Config, reference: str) -> Any:
    found: Any = cfg
    for key in reference[2:-1].split("."):
        if not isinstance(found, Mapping) and not isinstance(found, Config):
            raise ConfigError(f"{reference}: there is no such key")
        if key not in found:
            raise ConfigError(f"{reference}: there is no key {key!r}")
        found = found[key]
    return found


def update_data_root(cfg: Config, logger: Any = None) -> None:
    """Puts the folder that the environment names in ``MMDET_DATASETS`` in place of ``data_root``.

    Args:
        cfg: with ``data_root``; texts below ``data`` that contain it are changed.
        logger: where the change is said.
    """
    root = os.environ.get("MMDET_DATASETS")
    if root is None:
        return
    print_log(f"MMDET_DATASETS has been set to be {root}. Using {root} as data root.", logger)
    _replace_root(cfg.data, cfg.data_root, root)
    cfg.data_root = root


def _replace_root(section: Any, old: str, new: str) -> None:
    for key, value in section.items():
        if isinstance(value, Mapping):
            _replace_root(value, old, new)
        elif isinstance(value, str) and old in value:
            section[key] = value.replace(old, new)


def compat_cfg(cfg: Config) -> Config:
    """Returns a copy of a config in which old names of keys are today's."""
    cfg = copy.deepcopy(cfg)
    if cfg.get("runner") is None and cfg.get("total_epochs") is not None:
        cfg.runner = {"type": "EpochBasedRunner", "max_epochs": cfg.total_epochs}
    return cfg
