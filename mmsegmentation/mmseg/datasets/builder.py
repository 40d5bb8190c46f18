"""Data sets and loaders from configs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmcv.data import DataLoader
from mmcv.data import build_dataloader as build_loader
from mmcv.image.checks import require
from mmcv.registry import build_from_cfg
from mmseg.registry import DATASETS, PIPELINES

__all__ = ["DATASETS", "PIPELINES", "build_dataloader", "build_dataset"]

# Keys that may hold a list, which stands for several data sets in one.
LIST_KEYS = ("img_dir", "ann_dir", "split")


def build_dataset(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """Builds a data set.

    Args:
        cfg: a section with ``type``; or a list of them, or one whose ``img_dir``, ``ann_dir`` or
            ``split`` is a list: these are concatenated. RepeatDataset and MultiImageMixDataset wrap
            the section under ``dataset``.
        default_args: arguments used where a section has none.
    """
    from mmseg.datasets.dataset_wrappers import ConcatDataset  # imports what is registered here

    if isinstance(cfg, (list, tuple)):
        return ConcatDataset([build_dataset(part, default_args) for part in cfg])
    if cfg.get("type") in ("RepeatDataset", "MultiImageMixDataset"):
        wrapped = build_dataset(cfg["dataset"], default_args)
        steps = {"registry": PIPELINES} if cfg["type"] == "MultiImageMixDataset" else {}
        return build_from_cfg({**cfg, "dataset": wrapped, **steps}, DATASETS)
    if cfg.get("type") == "ConcatDataset":
        parts = [build_dataset(part, default_args) for part in cfg["datasets"]]
        return build_from_cfg({**cfg, "datasets": parts}, DATASETS)
    if any(isinstance(cfg.get(key), (list, tuple)) for key in LIST_KEYS):
        return _concat_dataset(cfg, default_args)
    return build_from_cfg(cfg, DATASETS, default_args)


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    num_gpus: int = 1,
    dist: bool = True,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    pin_memory: bool = True,
    persistent_workers: bool = True,
    **kwargs: Any,
) -> DataLoader:
    """Builds a loader; see ``mmcv.data.build_dataloader``, which takes less by position."""
    return build_loader(
        dataset,
        samples_per_gpu,
        workers_per_gpu,
        num_gpus=num_gpus,
        dist=dist,
        shuffle=shuffle,
        seed=seed,
        drop_last=drop_last,
        pin_memory=pin_memory,
        persistent_workers=persistent_workers,
        **kwargs,
    )


def _concat_dataset(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None) -> Any:
    """Builds one data set per entry of the listed keys; a single value goes with all entries."""
    from mmseg.datasets.dataset_wrappers import ConcatDataset

    lists = {key: cfg[key] for key in LIST_KEYS if isinstance(cfg.get(key), (list, tuple))}
    lengths = {key: len(values) for key, values in lists.items() if len(values) != 1}
    require(
        len(set(lengths.values())) <= 1,
        f"the lists of one data set must be equally long, but got {lengths}",
    )
    count = max(lengths.values(), default=1)
    common = {key: copy.deepcopy(v) for key, v in cfg.items() if key != "separate_eval"}
    datasets = []
    for i in range(count):
        own = {key: values[i if len(values) > 1 else 0] for key, values in lists.items()}
        datasets.append(build_dataset({**common, **own}, default_args))
    return ConcatDataset(datasets, cfg.get("separate_eval", True))
