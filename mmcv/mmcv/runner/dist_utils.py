"""Processes of one run: how they find each other, and the few collectives the engine needs."""

from __future__ import annotations

import functools
import logging
import os
import socket
import subprocess
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


def is_distributed() -> bool:
    """Whether a process group exists (it may hold a single process)."""
    return dist.is_available() and dist.is_initialized()


def get_dist_info() -> tuple[int, int]:
    """Returns rank and world size; (0, 1) without a process group."""
    return (dist.get_rank(), dist.get_world_size()) if is_distributed() else (0, 1)


def master_only(func: F) -> F:
    """Makes ``func`` do nothing on all ranks but 0."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs) if get_dist_info()[0] == 0 else None

    return wrapper  # type: ignore[return-value]


def init_dist(launcher: str, backend: str = "nccl", **kwargs: Any) -> None:
    """Creates the process group of a run.

    Args:
        launcher: ``pytorch`` (torchrun's variables), ``slurm`` or ``mpi``.
        backend: ``nccl`` becomes ``gloo`` on a machine without CUDA.
        kwargs: passed to ``torch.distributed.init_process_group``; ``port`` is that of the first
            SLURM node, ``timeout`` may be a number of seconds.
    """
    if launcher not in _ENVIRONMENTS:
        raise ValueError(f"Invalid launcher type: {launcher}; possible: {', '.join(_ENVIRONMENTS)}")
    if mp.get_start_method(allow_none=True) is None:
        mp.set_start_method("spawn")
    if launcher == "slurm":
        _slurm_environment(kwargs.pop("port", None))
    else:
        _ENVIRONMENTS[launcher]()
    num_gpus = torch.cuda.device_count()
    if num_gpus > 0:
        local_rank = os.environ.get("LOCAL_RANK", os.environ["RANK"])
        torch.cuda.set_device(int(local_rank) % num_gpus)
    elif backend == "nccl":
        logger.info("no CUDA device: the process group uses gloo instead of nccl")
        backend = "gloo"
    if isinstance(kwargs.get("timeout"), (int, float)):
        kwargs["timeout"] = timedelta(seconds=kwargs["timeout"])
    dist.init_process_group(backend=backend, **kwargs)


def init_world_of_one() -> None:
    """Creates a process group of this process alone, for engines that insist on having one."""
    os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1")
    os.environ["MASTER_PORT"] = str(_free_port())
    init_dist("pytorch")


def _pytorch_environment() -> None:
    missing = [key for key in ("RANK", "WORLD_SIZE", "MASTER_ADDR") if key not in os.environ]
    if missing:
        raise ValueError(
            f"--launcher pytorch needs the environment variable {missing[0]}, which torchrun sets;"
            " start with tools/dist_train.sh, or leave --launcher out for a single process"
        )


def _mpi_environment() -> None:
    names = {
        "RANK": "OMPI_COMM_WORLD_RANK",
        "WORLD_SIZE": "OMPI_COMM_WORLD_SIZE",
        "LOCAL_RANK": "OMPI_COMM_WORLD_LOCAL_RANK",
    }
    for key, source in names.items():
        if source not in os.environ:
            raise ValueError(f"--launcher mpi needs the environment variable {source} of mpirun")
        os.environ[key] = os.environ[source]
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29500")


def _slurm_environment(port: int | str | None = None) -> None:
    """Derives torchrun's variables from SLURM's; the first node of the job hosts the rendezvous."""
    missing = [v for v in ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_NODELIST") if v not in os.environ]
    if missing:
        raise ValueError(f"--launcher slurm needs the environment variable {missing[0]} of srun")
    rank = int(os.environ["SLURM_PROCID"])
    nodes = os.environ["SLURM_NODELIST"]
    if port is not None:
        os.environ["MASTER_PORT"] = str(port)
    elif "MASTER_PORT" not in os.environ:
        # All ranks must come to the same port, so only a lone one may look for a free one.
        is_taken = os.environ["SLURM_NTASKS"] == "1" and not _is_free(29500)
        os.environ["MASTER_PORT"] = str(_free_port()) if is_taken else "29500"
    if "MASTER_ADDR" not in os.environ:
        address = subprocess.getoutput(f"scontrol show hostname {nodes} | head -n1")
        os.environ["MASTER_ADDR"] = address
    num_gpus = max(torch.cuda.device_count(), 1)
    os.environ["WORLD_SIZE"] = os.environ["SLURM_NTASKS"]
    os.environ["LOCAL_RANK"] = os.environ.get("SLURM_LOCALID", str(rank % num_gpus))
    os.environ["RANK"] = str(rank)


_ENVIRONMENTS: dict[str, Callable[..., None]] = {
    "pytorch": _pytorch_environment,
    "mpi": _mpi_environment,
    "slurm": _slurm_environment,
}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def broadcast_object(value: Any, source: int = 0) -> Any:
    """Returns rank ``source``'s value on every rank."""
    if get_dist_info()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=source, device=collective_device())
    return box[0]


def all_gather_objects(value: Any) -> list[Any]:
    """Returns the values of all ranks, in the order of the ranks, on every rank."""
    world_size = get_dist_info()[1]
    if world_size == 1:
        return [value]
    values: list[Any] = [None] * world_size
    dist.all_gather_object(values, value)
    return values


def collective_device() -> torch.device:
    """Returns where tensors must live for this process group's collectives."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


def allreduce_params(
    params: Iterable[nn.Parameter | Tensor], coalesce: bool = True, bucket_size_mb: int = -1
) -> None:
    """Averages parameters or buffers over the ranks, in place.

    Args:
        params: the same on every rank.
        coalesce: reduce all of one dtype at once.
        bucket_size_mb: at most so much at once; -1: no limit.
    """
    _average([param.data for param in params], coalesce, bucket_size_mb)


def allreduce_grads(
    params: Iterable[nn.Parameter], coalesce: bool = True, bucket_size_mb: int = -1
) -> None:
    """Averages the gradients that exist over the ranks, in place; arguments as above."""
    grads = [p.grad.data for p in params if p.requires_grad and p.grad is not None]
    _average(grads, coalesce, bucket_size_mb)


def _average(tensors: list[Tensor], coalesce: bool, bucket_size_mb: int) -> None:
    world_size = get_dist_info()[1]
    if world_size == 1:
        return
    for bucket in _buckets(tensors, bucket_size_mb) if coalesce else [[t] for t in tensors]:
        # Integers (num_batches_tracked) cannot be divided in place.
        flat = torch.cat([t.reshape(-1) for t in bucket])
        dist.all_reduce(flat)
        flat = torch.div(flat, world_size).to(bucket[0].dtype)
        for tensor, part in zip(bucket, flat.split([t.numel() for t in bucket]), strict=True):
            tensor.copy_(part.view_as(tensor))


def _buckets(tensors: list[Tensor], bucket_size_mb: int) -> list[list[Tensor]]:
    """Groups tensors of one dtype and device into buckets of at most ``bucket_size_mb``."""
    limit = bucket_size_mb * 1024 * 1024 if bucket_size_mb > 0 else float("inf")
    groups: dict[Any, list[list[Tensor]]] = {}
    for tensor in tensors:
        buckets = groups.setdefault((tensor.dtype, tensor.device), [[]])
        used = sum(t.numel() * t.element_size() for t in buckets[-1])
        if buckets[-1] and used + tensor.numel() * tensor.element_size() > limit:
            buckets.append([])
        buckets[-1].append(tensor)
    return [bucket for group in groups.values() for bucket in group]
