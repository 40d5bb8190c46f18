"""Samples to batches: images and label maps are padded and stacked, all else stays a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import default_collate

from mmcv.data.data_container import DataContainer
from mmcv.data.errors import DataError

# What is stacked, and with what smaller samples are padded: 0 is the mean colour, 255 is ignored.
STACKED = {"img": 0, "gt_semantic_seg": 255}


def collate(batch: Sequence[Any]) -> Any:
    """Batches samples.

    Args:
        batch: samples of a training pipeline, or of a test pipeline, where every entry is a list
            with one value per view (MultiScaleFlipAug). Samples that are no mappings are batched
            by torch's default_collate.

    Returns:
        For training ``{img: (B, C, H, W), gt_semantic_seg: (B, 1, H, W), img_metas: [meta] * B,
        other: [value] * B}``; for test pipelines each entry is a list of these, one per view.
        DataContainers are unwrapped: stacked, or listed.

    Raises:
        DataError: samples that do not fit into one batch.
    """
    if not isinstance(batch[0], Mapping):
        return default_collate(list(batch))
    names = [_filename(sample) for sample in batch]
    # Test pipelines end in MultiScaleFlipAug, which makes every entry a list of views.
    has_views = isinstance(batch[0].get("img", batch[0].get("img_metas")), list)
    collate_entry = _collate_views if has_views else _collate_entry
    return {key: collate_entry(key, _column(batch, key, names), names) for key in batch[0]}


def pad_and_stack(tensors: Sequence[Tensor], fill: float, pad_dims: int | None) -> Tensor:
    """Stacks tensors whose last ``pad_dims`` dimensions may differ; ``fill`` makes up for it.

    Raises:
        ValueError: they differ in other dimensions.
    """
    first = tensors[0]
    if all(t.shape == first.shape for t in tensors):
        return default_collate(list(tensors))
    fixed = first.dim() - (pad_dims or 0)
    if any(t.dim() != first.dim() or t.shape[:fixed] != first.shape[:fixed] for t in tensors):
        raise ValueError(f"shapes differ: {[tuple(t.shape) for t in tensors]}")
    largest = [max(t.shape[d] for t in tensors) for d in range(first.dim())]
    padded = []
    for t in tensors:
        missing = [(0, largest[d] - t.shape[d]) for d in reversed(range(fixed, t.dim()))]
        padded.append(F.pad(t, [side for pair in missing for side in pair], value=fill))
    # In a worker default_collate stacks into shared memory, which saves a copy.
    return default_collate(padded)


def _collate_entry(key: str, values: list[Any], names: list[str]) -> Any:
    first = values[0]
    if isinstance(first, DataContainer):
        contents = [value.data for value in values]
        if first.stack and not first.cpu_only:
            return _stack(key, contents, first.padding_value, first.pad_dims, names)
        return contents
    if key in STACKED and isinstance(first, Tensor):
        return _stack(key, values, STACKED[key], 2, names)
    return values


def _collate_views(key: str, values: list[Any], names: list[str]) -> list[Any]:
    if len({len(views) for views in values}) > 1:
        counts = [f"{len(views)} of {name}" for views, name in zip(values, names, strict=True)]
        raise DataError(f"cannot batch {key!r}: numbers of views differ: {', '.join(counts)}")
    return [_collate_entry(key, list(column), names) for column in zip(*values, strict=True)]


def _stack(
    key: str, tensors: list[Tensor], fill: float, pad_dims: int | None, names: list[str]
) -> Tensor:
    try:
        return pad_and_stack(tensors, fill, pad_dims)
    except ValueError:
        shapes = [f"{tuple(t.shape)} of {name}" for t, name in zip(tensors, names, strict=True)]
        raise DataError(
            f"cannot batch {key!r}: only height and width may differ, but the shapes are "
            f"{', '.join(shapes)}. Check LoadImageFromFile(color_type=...) and the files"
        ) from None


def _column(batch: Sequence[Any], key: str, names: list[str]) -> list[Any]:
    for sample, name in zip(batch, names, strict=True):
        if key not in sample:
            raise DataError(f"cannot batch {key!r}: the sample of {name} has no such entry")
    return [sample[key] for sample in batch]


def _filename(sample: Mapping[str, Any]) -> str:
    meta = sample.get("img_metas")
    while isinstance(meta, (list, DataContainer)):
        meta = meta.data if isinstance(meta, DataContainer) else next(iter(meta), None)
    return str(meta.get("filename", "?")) if isinstance(meta, Mapping) else "?"
