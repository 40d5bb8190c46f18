"""Batches of images of one group, such as wide or high ones: they need less padding."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler

from mmcv.data.samplers import DistributedSampler, replicas_and_rank, sync_random_seed
from mmcv.data.seeding import SampleIndex


class DistributedGroupSampler(DistributedSampler):
    """Shuffles with ``seed + epoch``; each batch of a rank is of one group. The order is 1.x's.

    Every group is filled up to whole batches on all ranks by repeating its samples.

    Args:
        dataset: ``flag`` is the group of each sample.
        samples_per_gpu: size of a batch.
        num_replicas: number of ranks; None: that of the process group, or 1.
        rank: this rank; None: that of the process group, or 0.
        seed: rank 0's is used by all; None: a random one.
    """

    def __init__(
        self,
        dataset: Any,
        samples_per_gpu: int = 1,
        num_replicas: int | None = None,
        rank: int | None = None,
        seed: int | None = 0,
    ) -> None:
        super().__init__(dataset, num_replicas, rank, seed=seed)
        self.samples_per_gpu = samples_per_gpu
        self.flag = np.asarray(dataset.flag)
        if len(self.flag) != len(dataset):
            raise ValueError(f"the data set has {len(self.flag)} flags for {len(dataset)} samples")
        self.group_sizes = np.bincount(self.flag)
        unit = samples_per_gpu * self.num_replicas
        batches = [math.ceil(size / unit) for size in self.group_sizes]
        self.num_samples = sum(batches) * samples_per_gpu
        self.total_size = self.num_samples * self.num_replicas

    def _samples(self) -> list[SampleIndex]:
        order = self._order()
        first = self.num_samples * self.rank
        positions = range(first, first + self.num_samples)
        # The position over all ranks as their batches are used side by side.
        return [
            SampleIndex(order[position], (self.seed, self.epoch, self._place(position)))
            for position in positions
        ]

    def _place(self, position: int) -> int:
        rank, own = divmod(position, self.num_samples)
        batch, place = divmod(own, self.samples_per_gpu)
        return (batch * self.num_replicas + rank) * self.samples_per_gpu + place

    def _order(self) -> list[int]:
        generator = torch.Generator()
        generator.manual_seed(self.epoch + self.seed)
        unit = self.samples_per_gpu * self.num_replicas
        order: list[int] = []
        for group, size in enumerate(self.group_sizes):
            if size == 0:
                continue
            members = np.where(self.flag == group)[0]
            shuffled = members[torch.randperm(int(size), generator=generator).numpy()].tolist()
            wanted = math.ceil(size / unit) * unit
            order += list(itertools.islice(itertools.cycle(shuffled), wanted))
        size = self.samples_per_gpu
        batches = torch.randperm(len(order) // size, generator=generator).tolist()
        return [order[i] for batch in batches for i in range(batch * size, (batch + 1) * size)]


class GroupSampler(Sampler):
    """Shuffles with numpy's global generator, for one process: 1.x's, for plug-ins.

    Args:
        dataset: ``flag`` is the group of each sample.
        samples_per_gpu: size of a batch.
    """

    def __init__(self, dataset: Any, samples_per_gpu: int = 1) -> None:
        self.dataset = dataset
        self.samples_per_gpu = samples_per_gpu
        self.flag = np.asarray(dataset.flag).astype(np.int64)
        self.group_sizes = np.bincount(self.flag)
        batches = [math.ceil(size / samples_per_gpu) for size in self.group_sizes]
        self.num_samples = sum(batches) * samples_per_gpu

    def __iter__(self) -> Iterator[int]:
        size = self.samples_per_gpu
        groups = []
        for group, count in enumerate(self.group_sizes):
            if count == 0:
                continue
            members = np.where(self.flag == group)[0]
            np.random.shuffle(members)
            extra = math.ceil(count / size) * size - len(members)
            groups.append(np.concatenate([members, np.random.choice(members, extra)]))
        batches = np.concatenate(groups).reshape(-1, size)
        order = np.random.permutation(range(len(batches)))
        return iter(batches[order].reshape(-1).astype(np.int64).tolist())

    def __len__(self) -> int:
        return self.num_samples


class InfiniteBatchSampler(Sampler):
    """Batches without end for runners by iteration: 1.x's, for plug-ins.

    Args:
        dataset: whose length counts.
        batch_size: of this rank.
        world_size: number of ranks; None: that of the process group, or 1.
        rank: this rank; None: that of the process group, or 0.
        seed: rank 0's is used by all; None: a random one.
        shuffle: in a new order each time.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        world_size: int | None = None,
        rank: int | None = None,
        seed: int | None = 0,
        shuffle: bool = True,
    ) -> None:
        self.world_size, self.rank = replicas_and_rank(world_size, rank)
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = sync_random_seed(seed)
        self.shuffle = shuffle
        self.size = len(dataset)
        self.indices = self._indices_of_rank()

    def _infinite_indices(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        while True:
            if self.shuffle:
                yield from torch.randperm(self.size, generator=generator).tolist()
            else:
                yield from range(self.size)

    def _indices_of_rank(self) -> Iterator[int]:
        yield from itertools.islice(self._infinite_indices(), self.rank, None, self.world_size)

    def __iter__(self) -> Iterator[list[int]]:
        while True:
            yield list(itertools.islice(self.indices, self.batch_size))

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        """Is not supported in runners by iteration."""
        raise NotImplementedError


class InfiniteGroupBatchSampler(InfiniteBatchSampler):
    """Batches without end, each of one group; arguments as of InfiniteBatchSampler."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        world_size: int | None = None,
        rank: int | None = None,
        seed: int | None = 0,
        shuffle: bool = True,
    ) -> None:
        super().__init__(dataset, batch_size, world_size, rank, seed, shuffle)
        self.flag = dataset.flag
        self.buffer_per_group: dict[int, list[int]] = {
            k: [] for k in range(len(np.bincount(self.flag)))
        }

    def __iter__(self) -> Iterator[list[int]]:
        for index in self.indices:
            batch = self.buffer_per_group[int(self.flag[index])]
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch[:]
                batch.clear()
