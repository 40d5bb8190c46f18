"""Data sets and loaders from configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcv.data import DataLoader
from mmcv.data import build_dataloader as build_loader
from mmcv.data.building import build_nested_dataset
from mmdet.registry import DATASETS, PIPELINES

__all__ = ["DATASETS", "PIPELINES", "build_dataloader", "build_dataset"]

# Keys that may hold a list, which stands for several data sets in one. Only the first decides.
LIST_KEYS = ("ann_file", "img_prefix", "seg_prefix", "proposal_file")


def build_dataset(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """Builds a data set.

    Args:
        cfg: a section with ``type``; or a list of them, or one whose ``ann_file`` is a list: these
            are concatenated. RepeatDataset, ClassBalancedDataset and MultiImageMixDataset wrap the
            section under ``dataset``.
        default_args: arguments used where a section has none.
    """
    import mmdet.datasets  # noqa: F401  registers what is looked up here

    return build_nested_dataset(
        cfg,
        default_args,
        registry=DATASETS,
        wrappers=("RepeatDataset", "ClassBalancedDataset", "MultiImageMixDataset"),
        list_keys=LIST_KEYS,
    )


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    num_gpus: int = 1,
    dist: bool = True,
    shuffle: bool = True,
    seed: int | None = None,
    runner_type: str = "EpochBasedRunner",
    persistent_workers: bool = False,
    class_aware_sampler: Any = None,
    **kwargs: Any,
) -> DataLoader:
    """Builds a loader; see ``mmcv.data.build_dataloader``.

    Batches are of images of one aspect ratio (``dataset.flag``), if it is shuffled.

    Args:
        dataset: see there, as what is not named here.
        samples_per_gpu: see there.
        workers_per_gpu: see there.
        num_gpus: see there.
        dist: see there.
        shuffle: see there.
        seed: see there.
        runner_type: accepted; runners by iteration go through the same epochs.
        persistent_workers: see there.
        class_aware_sampler: not supported.
        kwargs: see there.
    """
    if class_aware_sampler is not None:
        raise NotImplementedError("class_aware_sampler is not supported: use ClassBalancedDataset")
    return build_loader(
        dataset,
        samples_per_gpu,
        workers_per_gpu,
        num_gpus=num_gpus,
        dist=dist,
        shuffle=shuffle,
        seed=seed,
        persistent_workers=persistent_workers,
        **{"pin_memory": False, **kwargs},
    )
