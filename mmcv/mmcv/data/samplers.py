"""Which samples a rank sees, in which order, under which seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.utils.data import DistributedSampler as TorchDistributedSampler
from torch.utils.data import RandomSampler as TorchRandomSampler
from torch.utils.data import SequentialSampler as TorchSequentialSampler

from mmcv.data.seeding import SampleIndex


class DistributedSampler(TorchDistributedSampler):
    """Shuffles with ``seed + epoch`` and deals the samples out to ranks in turn, as 1.x.

    The order over all ranks does not depend on their number: rank r of W sees positions r, r + W,
    r + 2 W ... of it, so that a global batch holds the same samples however it is split.

    Args:
        dataset: whose length counts.
        num_replicas: number of ranks; None: that of the process group, or 1.
        rank: this rank; None: that of the process group, or 0.
        shuffle: False: in the dataset's order, as for evaluation: rank r sees r, r + W ... and the
            last ranks some of the first samples again, so results are joined by ``indices``.
        seed: rank 0's is used by all; None: a random one.
        drop_last: leave out the last samples that do not go round; else the first ones are
            repeated.
    """

    num_samples: int = 0

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int | None = 0,
        *,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.num_replicas, self.rank = replicas_and_rank(num_replicas, rank)
        self.shuffle = shuffle
        needs_sync = shuffle and self.num_replicas > 1
        self.seed = sync_random_seed(seed) if needs_sync else _seed_or_random(seed)
        self.drop_last = drop_last
        self.epoch = 0
        self._start = (0, 0)  # epoch and sample (of this rank) where the next iteration starts
        rounding = math.floor if drop_last else math.ceil
        self.num_samples = rounding(len(dataset) / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __len__(self) -> int:
        """Number of samples of a whole epoch of this rank."""
        return self.num_samples

    def __iter__(self) -> Iterator[SampleIndex]:
        epoch, first = self._start
        self._start = (0, 0)
        samples = self._samples()
        return iter(samples[first:] if epoch == self.epoch else samples)

    @property
    def indices(self) -> list[int]:
        """Indices of the samples that this rank sees in the current epoch, in order."""
        return [int(sample) for sample in self._samples()]

    def set_epoch(self, epoch: int) -> None:
        """Selects the order of the next iterations; it does not advance by itself."""
        self.epoch = epoch

    def set_position(self, epoch: int, sample: int) -> None:
        """Lets the next iteration, and only that, start at ``sample`` of this rank in ``epoch``."""
        self.epoch = epoch
        self._start = (epoch, sample)

    def _samples(self) -> list[SampleIndex]:
        order = epoch_order(len(self.dataset), self.seed + self.epoch, self.shuffle)
        return [
            SampleIndex(order[position % len(order)], (self.seed, self.epoch, position))
            for position in range(self.rank, self.total_size, self.num_replicas)
        ]


class ShuffledSampler(DistributedSampler, TorchRandomSampler):
    """The order of a DistributedSampler of one rank; a RandomSampler to 1.x code that asks."""

    def __init__(self, dataset: Any, seed: int | None = 0) -> None:
        DistributedSampler.__init__(self, dataset, 1, 0, seed=seed)


class OrderedSampler(DistributedSampler, TorchSequentialSampler):
    """The dataset's order on one rank; a SequentialSampler to 1.x code that asks."""

    def __init__(self, dataset: Any) -> None:
        DistributedSampler.__init__(self, dataset, 1, 0, shuffle=False)


def replicas_and_rank(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """Completes what is not given from the process group; without one there is rank 0 of 1."""
    in_group = dist.is_available() and dist.is_initialized()
    if num_replicas is None:
        num_replicas = dist.get_world_size() if in_group else 1
    if rank is None:
        rank = dist.get_rank() if in_group else 0
    if not 0 <= rank < num_replicas:
        raise ValueError(f"rank must be in 0..{num_replicas - 1}, but got {rank}")
    return num_replicas, rank


def epoch_order(length: int, seed: int, shuffle: bool) -> list[int]:
    """Returns the indices of one epoch in the order over all ranks."""
    if not shuffle:
        return list(range(length))
    generator = torch.Generator()
    generator.manual_seed(seed)
    return torch.randperm(length, generator=generator).tolist()


def sync_random_seed(seed: int | None = None) -> int:
    """Returns rank 0's seed on all ranks; None: a random one."""
    seed = _seed_or_random(seed)
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return seed
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    shared = torch.tensor(seed, dtype=torch.int64, device=device)
    dist.broadcast(shared, src=0)
    return int(shared.item())


def _seed_or_random(seed: int | None) -> int:
    return int(np.random.randint(2**31)) if seed is None else int(seed)
