"""Batching as 1.x plug-ins call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import default_collate

from mmcv.data.collate import collate as collate_plain
from mmcv.data.collate import pad_and_stack
from mmcv.data.data_container import DataContainer


def collate(batch: Sequence[Any], samples_per_gpu: int = 1) -> Any:
    """Batches samples; those of plug-in pipelines keep their DataContainers, as in 1.x.

    Args:
        batch: samples. If they hold DataContainers, each entry becomes one DataContainer with a
            list of groups: stacked tensors, or lists. Samples of our own pipelines, which hold
            none, become what ``mmcv.data.collate`` makes of them.
        samples_per_gpu: size of a group.
    """
    if not isinstance(batch, Sequence):
        raise TypeError(f"a batch must be a list of samples, but got {type(batch)}")
    first = batch[0]
    if isinstance(first, DataContainer):
        return _collate_containers(batch, samples_per_gpu)
    if isinstance(first, Mapping):
        if not _holds_container(first):
            return collate_plain(batch)
        return {key: collate([item[key] for item in batch], samples_per_gpu) for key in first}
    if isinstance(first, Sequence) and not isinstance(first, (str, bytes)):
        return [collate(column, samples_per_gpu) for column in zip(*batch, strict=True)]
    return default_collate(list(batch))


def _collate_containers(batch: Sequence[DataContainer], samples_per_gpu: int) -> DataContainer:
    first = batch[0]
    groups: list[Any] = []
    for start in range(0, len(batch), samples_per_gpu):
        contents = [item.data for item in batch[start : start + samples_per_gpu]]
        stacks = first.stack and not first.cpu_only
        groups.append(
            pad_and_stack(contents, first.padding_value, first.pad_dims) if stacks else contents
        )
    return DataContainer(groups, first.stack, first.padding_value, cpu_only=first.cpu_only)


def _holds_container(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_container(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_container(item) for item in value)
    return isinstance(value, DataContainer)
