"""Endless batches with a position that can be stored and restored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

logger = logging.getLogger(__name__)


class IterLoader:
    """Repeats a loader, epoch after epoch; what ``runner.data_loader`` is in an IterBasedRunner.

    Attributes of the loader (``dataset``, ``sampler`` ...) can be read from it.

    Args:
        dataloader: yields batches, and has a length.
    """

    def __init__(self, dataloader: Any) -> None:
        self._dataloader = dataloader
        self._epoch = 0
        self._batch = 0
        self._batches: Iterator[Any] | None = None

    @property
    def epoch(self) -> int:
        """How many times the loader came to its end."""
        return self._epoch

    @property
    def batch(self) -> int:
        """How many batches of this epoch were drawn."""
        return self._batch

    def __getattr__(self, name: str) -> Any:
        if name == "_dataloader":  # not yet set: this object is being unpickled or copied
            raise AttributeError(name)
        return getattr(self._dataloader, name)

    def __len__(self) -> int:
        return len(self._dataloader)

    def __next__(self) -> Any:
        try:
            data = next(self.open())
        except StopIteration:
            self.seek(self._epoch + 1, 0)
            data = next(self.open())
        self._batch += 1
        return data

    def seek(self, epoch: int, batch: int) -> None:
        """Lets the next batch be that of the given position; workers of the old one end."""
        self._epoch, self._batch, self._batches = epoch, batch, None

    def open(self) -> Iterator[Any]:
        """Returns the iterator at the current position, started if need be."""
        if self._batches is None:
            self._batches = _start_epoch(self._dataloader, self._epoch, self._batch)
        return self._batches


def _start_epoch(loader: Any, epoch: int, batch: int) -> Iterator[Any]:
    """Returns an iterator over the batches of an epoch from the given one on.

    Our loaders go there at once (``set_position``). Of others, whose samplers may have
    ``set_epoch``, the batches before it are drawn and dropped.
    """
    batch_sampler: Any = getattr(loader, "batch_sampler", None)
    for owner in (loader, batch_sampler):
        if hasattr(owner, "set_position"):
            owner.set_position(epoch, batch)
            return iter(loader)
    samplers: Any = getattr(loader, "sampler", None), getattr(batch_sampler, "sampler", None)
    for sampler in samplers:
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
            break
    batches = iter(loader)
    if batch:
        logger.warning(
            "%s has no set_position: the first %d batches of the epoch are drawn again and dropped;"
            " the others may come in another order than in the run that is continued",
            type(loader).__name__,
            batch,
        )
        for _ in range(batch):
            next(batches, None)
    return batches
