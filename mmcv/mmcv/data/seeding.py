"""Random numbers of a sample are a function of its place in the run.

A step draws from ``random``, ``numpy.random`` or torch's CPU generator as it likes. Before a
sample is loaded, all three are seeded with (seed, epoch, position in the epoch), so that neither
the number of ranks and workers nor an interruption changes what is drawn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from mmcv.data.errors import DataError


class SampleIndex(int):
    """The index of a sample that also carries what its random numbers are seeded with.

    Samplers yield it in place of an int. It stays an int for whoever does not know.

    Attributes:
        entropy: (seed, epoch, position in the epoch over all ranks).
    """

    entropy: tuple[int, ...]

    def __new__(cls, index: int, entropy: tuple[int, ...] = ()) -> SampleIndex:  # noqa: D102
        self = super().__new__(cls, index)
        self.entropy = entropy
        return self

    def __reduce__(self) -> tuple[type, tuple[int, tuple[int, ...]]]:
        return SampleIndex, (int(self), self.entropy)


class Failure(NamedTuple):
    """A DataError on its way out of a worker, where exceptions turn into page-long tracebacks."""

    message: str


class SeededSamples(Dataset):
    """A dataset whose samples are loaded under the seed that their index carries.

    All other attributes, read or set, are those of the wrapped dataset.
    """

    def __init__(self, dataset: Any) -> None:
        object.__setattr__(self, "dataset", dataset)

    def __getitem__(self, index: int) -> Any:
        try:
            if not isinstance(index, SampleIndex):
                return self.dataset[index]
            with seeded(index.entropy):
                return self.dataset[int(index)]
        except DataError as error:
            if get_worker_info() is None:
                raise
            return Failure(str(error))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == "dataset" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)  # asked before __init__ ran, as unpickling does
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.dataset, name, value)

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return SeededSamples, (self.dataset,)


@contextmanager
def seeded(entropy: tuple[int, ...]) -> Iterator[None]:
    """Seeds ``random``, ``numpy.random`` and torch's CPU generator; restores them at the end."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    for_python, for_numpy, for_torch = np.random.SeedSequence(
        [number % 2**64 for number in entropy]
    ).generate_state(3)
    random.seed(int(for_python))
    np.random.seed(for_numpy)
    # Not torch.manual_seed: that one also touches the GPU generators, which belong to the model.
    torch.default_generator.manual_seed(int(for_torch))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
