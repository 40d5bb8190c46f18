"""Data sets and loaders from configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcv.data import DataLoader
from mmcv.data import build_dataloader as build_loader
from mmcv.data.building import build_nested_dataset
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
    import mmseg.datasets  # noqa: F401  registers what is looked up here

    return build_nested_dataset(
        cfg,
        default_args,
        registry=DATASETS,
        wrappers=("RepeatDataset", "MultiImageMixDataset"),
        list_keys=LIST_KEYS,
        extra={"MultiImageMixDataset": {"registry": PIPELINES}},
    )


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
