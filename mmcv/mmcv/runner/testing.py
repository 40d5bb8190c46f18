"""Runs a model over a data set on all ranks: evaluation in training and tools/test.py alike."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from mmcv.runner.device import device_of, to_device
from mmcv.runner.dist_utils import get_dist_info

# Turns the predictions of a batch and the indices of its samples into what is kept.
PreEval = Callable[[list[Any], list[int]], Iterable[Any]]
OnResult = Callable[[list[Any], list[int], Any], None]


def run_inference(
    model: nn.Module,
    loader: DataLoader,
    *,
    device: torch.device | str | None = None,
    pre_eval: PreEval | bool = False,
    progress: bool = True,
    on_result: OnResult | None = None,
) -> list[Any] | None:
    """Returns one record per sample, in the order of the data set, on rank 0; None elsewhere.

    Every rank runs what its loader yields; samples that a sampler repeated, so that all ranks have
    the same number, are counted once.

    Args:
        model: called as ``model(return_loss=False, **TEST_OPTIONS, **batch)``, with an attribute of
            that name if it has one; its mode is restored afterwards.
        loader: of test samples, not shuffled.
        device: where batches go; by default where the model is.
        pre_eval: reduces the predictions of a batch, so that only small records are kept and
            gathered; True: the data set's ``pre_eval(predictions, indices)``.
        progress: show a bar on rank 0.
        on_result: called with the predictions, the indices and the batch, to show or save them.
    """
    reduce: Any = getattr(loader.dataset, "pre_eval") if pre_eval is True else pre_eval  # noqa: B009
    device = device_of(model) if device is None else torch.device(device)
    # What a kind of model needs to be asked for, such as the coordinates of the original image.
    options = getattr(getattr(model, "module", model), "TEST_OPTIONS", {})
    parts: list[tuple[list[int], list[Any]]] = []
    with _evaluating(model), _bar(loader, progress) as bar:
        for indices, batch in _numbered(loader):
            with torch.no_grad():
                predictions = model(return_loss=False, **options, **to_device(batch, device))
            if on_result:
                on_result(predictions, indices, batch)
            records = reduce(predictions, indices) if reduce else predictions
            parts.append((indices, list(records)))
            bar.update(len(indices) * get_dist_info()[1])
    return _gather(parts)


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def _numbered(loader: DataLoader) -> Iterator[tuple[list[int], Any]]:
    """Yields the indices of each batch's samples with the batch."""
    if loader.batch_sampler is None:
        for i, batch in enumerate(loader):
            yield [i], batch
        return
    for indices, batch in zip(loader.batch_sampler, loader, strict=False):
        yield [int(i) for i in indices], batch


def _bar(loader: DataLoader, progress: bool) -> tqdm:
    total = len(loader.dataset)  # type: ignore[arg-type]
    is_terminal = sys.stderr.isatty()
    # A file keeps every drawing of the bar as a line.
    interval = 0.1 if is_terminal else 30.0
    is_off = not progress or get_dist_info()[0] != 0
    return tqdm(total=total, unit="img", disable=is_off, mininterval=interval)


def _gather(parts: list[tuple[list[int], list[Any]]]) -> list[Any] | None:
    rank, world_size = get_dist_info()
    if world_size == 1:
        return [record for _, records in parts for record in records]
    numbered: list[tuple[int, Any]] = []
    for indices, records in parts:
        if len(indices) != len(records):
            raise ValueError(
                f"{len(records)} results for {len(indices)} samples: with several processes the"
                " model, or pre_eval, must give one for each sample"
            )
        numbered += zip(indices, records, strict=True)
    gathered: list[Any] | None = [None] * world_size if rank == 0 else None
    dist.gather_object(numbered, gathered)
    if gathered is None:
        return None
    by_index: dict[int, Any] = {}
    for part in gathered:
        for index, record in part:
            by_index.setdefault(index, record)
    return [by_index[index] for index in sorted(by_index)]
