"""The data loader: seeded samples, batches from any position, errors that speak for themselves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import torch
import torch.distributed
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import get_worker_info

from mmcv.data.collate import collate
from mmcv.data.errors import DataError, describe_dead_worker
from mmcv.data.group_samplers import DistributedGroupSampler
from mmcv.data.samplers import (
    DistributedSampler,
    OrderedSampler,
    ShuffledSampler,
    replicas_and_rank,
)
from mmcv.data.seeding import Failure, SeededSamples
from mmcv.registry import check_arguments


class DataLoader(TorchDataLoader):
    """Torch's loader over seeded samples, which can start in the middle of an epoch.

    Args:
        dataset: what to load from; ``loader.dataset`` wraps it and delegates every attribute.
        sampler: gives the order and the seeds.
        batch_size: samples of this rank per batch.
        collate_fn: makes a batch from a list of samples.
        worker_init_fn: called in each worker with its number.
        **options: of torch's DataLoader.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        sampler: DistributedSampler,
        batch_size: int,
        collate_fn: Callable[[list[Any]], Any] = collate,
        worker_init_fn: Callable[[int], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            SeededSamples(dataset),
            sampler=sampler,
            batch_size=batch_size,
            collate_fn=_Collate(collate_fn),
            worker_init_fn=_WorkerInit(worker_init_fn),
            # Of its own, because torch draws a seed per iteration: from the global generator that
            # would change the model's random numbers after a resume.
            generator=torch.Generator().manual_seed(0),
            **options,
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return _Batches(self, super().__iter__())

    def set_position(self, epoch: int, batch: int) -> None:
        """Lets the next iteration, and only that, start at ``batch`` of ``epoch``.

        What comes before is not loaded. The length of the loader stays that of a whole epoch.
        """
        assert isinstance(self.sampler, DistributedSampler) and self.batch_size
        self.sampler.set_position(epoch, batch * self.batch_size)


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    *,
    num_gpus: int = 1,
    dist: bool = True,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    pin_memory: bool = True,
    persistent_workers: bool = True,
    rank: int | None = None,
    world_size: int | None = None,
    **options: Any,
) -> DataLoader:
    """Builds the loader of this rank.

    Args:
        dataset: what to load from.
        samples_per_gpu: samples of this rank per batch.
        workers_per_gpu: worker processes of this rank; 0: load in the main process.
        num_gpus: without ``dist``, multiplies batch size and workers.
        dist: split over the ranks of the process group (one if there is none).
        shuffle: in a new order each epoch (``loader.sampler.set_epoch``); else in the dataset's. If
            the dataset has groups (``flag``), each batch is of one group, as in 1.x.
        seed: of the order and of each sample's random numbers; None: random, equal on all ranks.
        drop_last: leave out samples that fill no global batch. An epoch then has as many batches
            on any number of ranks, at least one if a rank can fill it by repeating samples.
        pin_memory: copy batches to page-locked memory, if there is a GPU.
        persistent_workers: keep workers alive between epochs.
        rank: this rank, if it is not that of the process group.
        world_size: number of ranks, likewise.
        **options: of torch's DataLoader (``prefetch_factor``, ``timeout`` ...), and ``collate_fn``.

    Raises:
        ConfigError: an option that the loader does not have.
    """
    check_arguments(DataLoader, {"dataset": None, "sampler": None, "batch_size": 1, **options})
    if dist:
        replicas, rank = replicas_and_rank(world_size, rank)
        drops = drop_last and len(dataset) >= replicas * samples_per_gpu
        if shuffle and getattr(dataset, "flag", None) is not None:
            sampler = DistributedGroupSampler(dataset, samples_per_gpu, replicas, rank, seed)
        else:
            sampler = DistributedSampler(dataset, replicas, rank, shuffle, seed, drop_last=drops)
        batch_size, num_workers = samples_per_gpu, workers_per_gpu
    else:
        sampler = ShuffledSampler(dataset, seed) if shuffle else OrderedSampler(dataset)
        batch_size, num_workers = num_gpus * samples_per_gpu, num_gpus * workers_per_gpu
    return DataLoader(
        dataset,
        sampler=sampler,
        batch_size=batch_size,
        num_workers=num_workers,
        drop_last=drop_last,
        pin_memory=pin_memory and torch.cuda.is_available(),
        persistent_workers=persistent_workers and num_workers > 0,
        **options,
    )


class _Batches:
    """The batches of one epoch; raises what went wrong in a worker."""

    def __init__(self, loader: DataLoader, batches: Iterator[Any]) -> None:
        self._loader = loader
        self._batches = batches

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._batches)
        except StopIteration:
            raise
        except RuntimeError as error:
            self._end_workers()
            loader = self._loader
            death = describe_dead_worker(error, loader.num_workers, loader.batch_size)
            if death:
                raise DataError(death) from error
            raise
        except Exception:
            self._end_workers()
            raise
        if isinstance(batch, Failure):
            self._end_workers()
            raise DataError(batch.message)
        return batch

    def __len__(self) -> int:
        return len(self._batches)  # type: ignore[arg-type]

    def _end_workers(self) -> None:
        """Ends them now: left to the garbage collector after an error, each takes five seconds."""
        if self._loader.num_workers > 0:
            self._batches._shutdown_workers()  # type: ignore[attr-defined]
            self._loader._iterator = None


class _Collate:
    """A collate function that hands failures of a worker on instead of raising there."""

    def __init__(self, function: Callable[[list[Any]], Any]) -> None:
        self.function = function

    def __call__(self, samples: list[Any]) -> Any:
        for sample in samples:
            if isinstance(sample, Failure):
                return sample
        try:
            return self.function(samples)
        except DataError as error:
            if get_worker_info() is None:
                raise
            return Failure(str(error))


class _WorkerInit:
    """Keeps a worker on its own core: threads of many workers fight for the same ones."""

    def __init__(self, function: Callable[[int], None] | None) -> None:
        self.function = function

    def __call__(self, worker_id: int) -> None:
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        _answer_only_to_parent()
        if self.function is not None:
            self.function(worker_id)


def _answer_only_to_parent() -> None:
    """Lets signals of a scheduler pass, which sends them to all processes of a job.

    The training answers to them, and needs its workers for that.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # Linux: it says who sent the signal
        # Threads inherit the mask, so the signal waits for the one that asks for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_wait_for_parent, name="signals", daemon=True).start()


def _wait_for_parent() -> None:
    parent = os.getppid()
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
