"""Datasets made of datasets: joined, repeated, mixed."""

from __future__ import annotations

import bisect
import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmcv.data.errors import DataError
from mmcv.image.checks import require
from mmcv.registry import DATASETS, PIPELINES, Registry


@DATASETS.register_module()
class ConcatDataset(TorchConcatDataset):
    """Several datasets one after the other.

    Args:
        datasets: with the same classes.
        separate_eval: evaluate each by itself instead of as one.
    """

    def __init__(self, datasets: Sequence[Any], separate_eval: bool = True) -> None:
        super().__init__(datasets)
        require(separate_eval in (True, False), f"separate_eval must be a bool: {separate_eval!r}")
        self.CLASSES = getattr(datasets[0], "CLASSES", None)
        self.PALETTE = getattr(datasets[0], "PALETTE", None)
        self.separate_eval = separate_eval
        if hasattr(datasets[0], "flag"):  # groups of aspect ratio, for detection's samplers
            self.flag = np.concatenate([dataset.flag for dataset in datasets])

    def get_dataset_idx_and_sample_idx(self, indice: int) -> tuple[int, int]:
        """Returns which dataset a sample is in, and its index there."""
        if indice < 0:
            if -indice > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            indice += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, indice)
        return which, indice - (self.cumulative_sizes[which - 1] if which else 0)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the categories in a sample (detection)."""
        which, index = self.get_dataset_idx_and_sample_idx(idx)
        return self.datasets[which].get_cat_ids(index)  # type: ignore[attr-defined]

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns the annotation of a sample."""
        which, index = self.get_dataset_idx_and_sample_idx(idx)
        return self.datasets[which].get_ann_info(index)  # type: ignore[attr-defined]


@DATASETS.register_module()
class RepeatDataset(Dataset):
    """A dataset several times over, so that epochs of a small one are not too short.

    Args:
        dataset: what is repeated.
        times: how often.
    """

    def __init__(self, dataset: Any, times: int) -> None:
        self.dataset = dataset
        self.times = times
        self.CLASSES = getattr(dataset, "CLASSES", None)
        self.PALETTE = getattr(dataset, "PALETTE", None)
        if hasattr(dataset, "flag"):
            self.flag = np.tile(dataset.flag, times)
        self._ori_len = len(dataset)

    def __getitem__(self, idx: int) -> Any:
        return self.dataset[idx % self._ori_len]

    def __len__(self) -> int:
        return self.times * self._ori_len

    def check(self, with_labels: bool = True) -> None:
        """Lets the dataset look for missing files, if it can."""
        if hasattr(self.dataset, "check"):
            self.dataset.check(with_labels=with_labels)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the categories in a sample (detection)."""
        return self.dataset.get_cat_ids(idx % self._ori_len)

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns the annotation of a sample."""
        return self.dataset.get_ann_info(idx % self._ori_len)


@DATASETS.register_module()
class MultiImageMixDataset(Dataset):
    """Applies steps that combine a sample with further ones (mosaic, mix-up).

    A step with ``get_indexes(dataset)`` finds the samples it asked for in ``mix_results``.

    Args:
        dataset: the samples, loaded and augmented by themselves.
        pipeline: configs of the further steps.
        skip_type_keys: types of steps that are left out.
        max_refetch: how often a step is tried while it, or one of its samples, is rejected (None).
        registry: where the steps' types are looked up.
    """

    def __init__(
        self,
        dataset: Any,
        pipeline: Sequence[dict[str, Any]],
        skip_type_keys: Sequence[str] | None = None,
        max_refetch: int = 15,
        registry: Registry = PIPELINES,
    ) -> None:
        require(isinstance(pipeline, Sequence), "pipeline must be a list of dicts")
        self.update_skip_type_keys(skip_type_keys)
        self.pipeline: list[Any] = []
        self.pipeline_types: list[str] = []
        for transform in pipeline:
            if not isinstance(transform, dict):
                raise TypeError("pipeline must be a dict")
            self.pipeline_types.append(transform["type"])
            self.pipeline.append(registry.build(transform))
        self.dataset = dataset
        self.CLASSES = getattr(dataset, "CLASSES", None)
        self.PALETTE = getattr(dataset, "PALETTE", None)
        if hasattr(dataset, "flag"):
            self.flag = dataset.flag
        self.num_samples = len(dataset)
        self.max_refetch = max_refetch

    def __len__(self) -> int:
        return self.num_samples

    def __getitem__(self, idx: int) -> Any:
        # Copies, because steps change arrays in place and a dataset may keep its samples.
        results = copy.deepcopy(self.dataset[idx])
        skipped = self._skip_type_keys or ()
        for transform, kind in zip(self.pipeline, self.pipeline_types, strict=True):
            if kind in skipped:
                continue
            results = self._apply(transform, results)
        return results

    def check(self, with_labels: bool = True) -> None:
        """Lets the dataset look for missing files, if it can."""
        if hasattr(self.dataset, "check"):
            self.dataset.check(with_labels=with_labels)

    def update_skip_type_keys(self, skip_type_keys: Sequence[str] | None) -> None:
        """Replaces the types of steps that are left out; hooks call it late in training."""
        if skip_type_keys is not None:
            require(
                all(isinstance(key, str) for key in skip_type_keys),
                f"skip_type_keys must be names of steps, but got {skip_type_keys!r}",
            )
        self._skip_type_keys = skip_type_keys

    def _apply(self, transform: Any, results: dict[str, Any]) -> dict[str, Any]:
        for _ in range(self.max_refetch):
            given = dict(results)
            if hasattr(transform, "get_indexes"):
                given["mix_results"] = self._draw(transform.get_indexes(self.dataset))
                if any(sample is None for sample in given["mix_results"]):
                    continue
            mixed = transform(given)
            if mixed is not None:
                mixed.pop("mix_results", None)
                return mixed
        raise DataError(
            f"{type(transform).__name__} found no usable samples in {self.max_refetch} draws: the "
            "pipeline of the dataset rejects too many"
        )

    def _draw(self, indexes: int | Sequence[int]) -> list[Any]:
        indexes = indexes if isinstance(indexes, Sequence) else [indexes]
        return [copy.deepcopy(self.dataset[index]) for index in indexes]
