"""Data sets of data sets from configs: lists, wrappers, and sections with lists of files."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.image.checks import require
from mmcv.registry import Registry, build_from_cfg


def build_nested_dataset(
    cfg: Any,
    default_args: Mapping[str, Any] | None,
    *,
    registry: Registry,
    wrappers: Sequence[str],
    list_keys: Sequence[str],
    extra: Mapping[str, Mapping[str, Any]] = {},
) -> Any:
    """Builds what a section of ``data`` describes.

    Args:
        cfg: a section with ``type``, or a list of them, which are concatenated.
        default_args: arguments used where a section has none.
        registry: where types are looked up; ``ConcatDataset`` among them.
        wrappers: types that wrap the section under ``dataset``.
        list_keys: keys whose value may be a list, which stands for several data sets in one.
        extra: further arguments of a wrapper, by its type.
    """

    def build(part: Any) -> Any:
        options: dict[str, Any] = {"wrappers": wrappers, "list_keys": list_keys, "extra": extra}
        return build_nested_dataset(part, default_args, registry=registry, **options)

    concat: Any = registry.get("ConcatDataset")
    if isinstance(cfg, (list, tuple)):
        return concat([build(part) for part in cfg])
    kind = cfg.get("type")
    if kind in wrappers:
        arguments = {**cfg, "dataset": build(cfg["dataset"]), **extra.get(kind, {})}
        return build_from_cfg(arguments, registry)
    if kind == "ConcatDataset":
        parts = [build(part) for part in cfg["datasets"]]
        return build_from_cfg({**cfg, "datasets": parts}, registry)
    if any(isinstance(cfg.get(key), (list, tuple)) for key in list_keys):
        parts = [build(part) for part in _split(cfg, list_keys)]
        return concat(parts, cfg.get("separate_eval", True))
    return build_from_cfg(cfg, registry, default_args)


def _split(cfg: Mapping[str, Any], list_keys: Sequence[str]) -> list[dict[str, Any]]:
    """Returns one section per entry of the lists; a single value goes with all entries."""
    lists = {key: cfg[key] for key in list_keys if isinstance(cfg.get(key), (list, tuple))}
    lengths = {key: len(values) for key, values in lists.items() if len(values) != 1}
    require(
        len(set(lengths.values())) <= 1,
        f"the lists of one data set must be equally long, but got {lengths}",
    )
    common = {key: value for key, value in cfg.items() if key != "separate_eval"}
    sections = []
    for i in range(max(lengths.values(), default=1)):
        own = {key: values[i if len(values) > 1 else 0] for key, values in lists.items()}
        sections.append({**copy.deepcopy(common), **own})
    return sections
