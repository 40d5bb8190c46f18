"""Collects what the loggers write, without waiting for the device in every iteration."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from mmcv.runner.dist_utils import collective_device, get_dist_info

# A run of 160,000 iterations must not keep every value; no logger averages over more than this.
MAX_HISTORY = 10_000
# As many as a resumed run needs for its next line, unless its interval is longer.
SAVED_HISTORY = 1_000
# Vectors of a multiple of this length are exchanged, so that ranks that (wrongly) log different
# values still exchange equally many bytes and can be told what is wrong.
PADDING = 256


class LogBuffer:
    """History of values by name, and the averages that are to be logged.

    Tensors stay on their device, and are values of this rank only, until something is averaged.
    They are then exchanged for their means over the ranks, all at once.

    Attributes:
        val_history: name -> values, oldest first; numbers, or 0-dim tensors not yet looked at.
        n_history: name -> how many samples each value stands for.
        output: name -> what is to be logged.
        ready: whether ``output`` is complete.
    """

    def __init__(self) -> None:
        self.val_history: OrderedDict[str, list[Any]] = OrderedDict()
        self.n_history: OrderedDict[str, list[int]] = OrderedDict()
        self.output: OrderedDict[str, Any] = OrderedDict()
        self.ready = False
        self._num_new: dict[str, int] = {}  # entries that _fetch has not seen

    def clear(self) -> None:
        """Forgets everything."""
        self.val_history.clear()
        self.n_history.clear()
        self._num_new.clear()
        self.clear_output()

    def clear_output(self) -> None:
        """Forgets the averages."""
        self.output.clear()
        self.ready = False

    def update(self, vars: Mapping[str, Any], count: int = 1) -> None:
        """Appends values.

        Args:
            vars: name -> number or tensor with one element.
            count: weight of these values in averages.
        """
        if not isinstance(vars, Mapping):
            raise AssertionError(f"a dict of values is needed, but got {type(vars)}")
        for name, value in vars.items():
            values = self.val_history.setdefault(name, [])
            counts = self.n_history.setdefault(name, [])
            values.append(_scalar(name, value) if isinstance(value, Tensor) else value)
            counts.append(count)
            self._num_new[name] = self._num_new.get(name, 0) + 1
            if len(values) >= 2 * MAX_HISTORY:
                del values[:-MAX_HISTORY], counts[:-MAX_HISTORY]

    def drop_latest(self, names: Iterable[str], count: int) -> None:
        """Forgets the latest values of each name: those of iterations that do not count.

        The only value of a name stays, for there would be nothing to log.

        Args:
            names: of ``update``.
            count: how many values.
        """
        for name in names:
            values = self.val_history.get(name, [])
            num = min(count, len(values) - 1)
            if num > 0:
                del values[-num:], self.n_history[name][-num:]
                self._num_new[name] = max(self._num_new.get(name, 0) - num, 0)

    def average(self, n: int = 0) -> None:
        """Puts the weighted means of the latest ``n`` values (0: of all) into ``output``.

        Collective if there are tensors: every rank must call it after the same updates.
        """
        if n < 0:
            raise AssertionError(f"n must not be negative, but got {n}")
        self._fetch()
        for name, history in self.val_history.items():
            values, counts = np.array(history[-n:]), np.array(self.n_history[name][-n:])
            self.output[name] = float(np.sum(values * counts) / np.sum(counts))
        self.ready = True

    def state_dict(self) -> dict[str, Any]:
        """Returns the latest history in plain numbers, equal on all ranks. Collective."""
        self._fetch()
        return {
            "val_history": {k: v[-SAVED_HISTORY:] for k, v in self.val_history.items()},
            "n_history": {k: v[-SAVED_HISTORY:] for k, v in self.n_history.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from what ``state_dict`` returned."""
        self.clear()
        for mine, stored in (
            (self.val_history, state["val_history"]),
            (self.n_history, state["n_history"]),
        ):
            mine.update({name: list(values) for name, values in stored.items()})

    def _fetch(self) -> None:
        """Replaces the tensors that came since the last time by their means over the ranks."""
        where = []
        for name, num_new in self._num_new.items():
            values = self.val_history.get(name, [])
            new = range(max(len(values) - num_new, 0), len(values))
            where += [(name, i) for i in new if isinstance(values[i], Tensor)]
        self._num_new.clear()
        if not where:
            return
        means = _means_over_ranks([self.val_history[name][i] for name, i in where], where)
        for (name, i), mean in zip(where, means, strict=True):
            self.val_history[name][i] = mean


def _scalar(name: str, value: Tensor) -> Tensor:
    if value.numel() != 1:
        raise TypeError(f"{name}: only tensors with one element can be logged, not {value.shape}")
    return value.detach().reshape(())


def _means_over_ranks(values: list[Tensor], where: list[tuple[str, int]]) -> list[float]:
    """Returns numbers, by one transfer and, if there are several ranks, one reduction."""
    rank, world_size = get_dist_info()
    device = collective_device() if world_size > 1 else values[0].device
    vector = torch.stack([value.to(device, torch.float32) for value in values])
    if world_size == 1:
        return vector.tolist()
    names = [name for name, _ in where]
    checksum = zlib.crc32(repr(names).encode())
    num_used = len(values) + 1
    sent = vector.new_zeros(-(-num_used // PADDING) * PADDING, dtype=torch.float64)
    sent[0] = checksum
    sent[1:num_used] = vector
    dist.all_reduce(sent)
    if sent[0].item() != checksum * world_size:
        raise RuntimeError(
            f"the ranks log different values; rank {rank} has {', '.join(sorted(set(names)))}."
            " A model must return the same losses on all ranks, zero where one has nothing to learn"
        )
    return (sent[1:num_used] / world_size).tolist()
