"""Running out of memory, said with numbers and with the settings that help."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmcv.config import Config
from mmcv.runner.dist_utils import get_dist_info

GIB = 2**30


class OutOfMemory(RuntimeError):
    """A device or the host has no more memory; the message says what to change."""


@contextmanager
def memory_advice(cfg: Config) -> Iterator[None]:
    """Turns errors for want of memory into OutOfMemory.

    Args:
        cfg: the config, whose settings are named with their values.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        where = _where(error)
        if where is None:
            raise
        numbers = device_numbers() if where == "GPU" else host_numbers()
        what = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        changes = "; ".join(advice(cfg, where))
        raise OutOfMemory(f"out of memory: {numbers}. Change one of: {changes} ({what})") from error


def _where(error: BaseException) -> str | None:
    """Returns "GPU" or "host" if the error is one for want of memory."""
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return "GPU"
    if isinstance(error, MemoryError):
        return "host"
    text = str(error)
    if "CUDA out of memory" in text or "CUDA error: out of memory" in text:
        return "GPU"
    signs = ("DefaultCPUAllocator: can't allocate", "not enough memory: you tried to allocate")
    return "host" if any(sign in text for sign in signs) else None


def device_numbers() -> str:
    """Returns what is used of this rank's GPU."""
    device = torch.cuda.current_device()
    total = torch.cuda.get_device_properties(device).total_memory
    now, peak = torch.cuda.memory_allocated(device), torch.cuda.max_memory_allocated(device)
    return (
        f"GPU {device} of rank {get_dist_info()[0]} has {total / GIB:.1f} GiB,"
        f" {now / GIB:.1f} in use now, {peak / GIB:.1f} at the peak"
    )


def host_numbers() -> str:
    """Returns what is used of the host's memory."""
    total = _kib("/proc/meminfo", "MemTotal")
    free = _kib("/proc/meminfo", "MemAvailable")
    now, peak = _kib("/proc/self/status", "VmRSS"), _kib("/proc/self/status", "VmHWM")
    return (
        f"the host has {total / 2**20:.1f} GiB, {free / 2**20:.1f} available; rank"
        f" {get_dist_info()[0]} uses {now / 2**20:.1f} now, {peak / 2**20:.1f} at the peak"
    )


def advice(cfg: Config, where: str) -> list[str]:
    """Returns the settings that need less memory, the cheapest change first.

    Args:
        cfg: the config.
        where: "GPU" or "host".
    """
    data = cfg.get("data") or {}
    changes = []
    samples = data.get("samples_per_gpu")
    if isinstance(samples, int) and samples > 1:
        half = samples // 2
        steps = (cfg.get("optimizer_config") or {}).get("cumulative_iters", 1)
        changes.append(
            f"data.samples_per_gpu={half} instead of {samples} (with optimizer_config."
            f"cumulative_iters={steps * samples // half} the same batch)"
        )
    backbone = (cfg.get("model") or {}).get("backbone") or {}
    if "with_cp" in backbone and not backbone["with_cp"]:
        changes.append("model.backbone.with_cp=True")
    if where == "host" and data.get("workers_per_gpu"):
        workers = data["workers_per_gpu"]
        changes.append(f"data.workers_per_gpu={workers // 2} instead of {workers}")
    if where == "host":
        changes.append("checkpoint_config.asynchronous=False (keeps no copy of the state)")
    return changes + _sharding(cfg, where)


def _sharding(cfg: Config, where: str) -> list[str]:
    if cfg.get("deepspeed") is not True:
        return ["deepspeed=True with deepspeed_config='zero1_bf16', and more processes"]
    from mmcv.runner.zero.settings import read_deepspeed_config, zero_stage

    settings = read_deepspeed_config(cfg.get("deepspeed_config"), cfg)
    stage = zero_stage(settings)
    changes = []
    if stage < 3:
        changes.append(f"a deepspeed_config of stage {stage + 1} instead of {stage}")
    if where == "GPU" and not (settings.get("zero_optimization") or {}).get("offload_optimizer"):
        changes.append("a deepspeed_config with offload_optimizer, such as 'zero3_bf16_offload'")
    return [*changes, "crop_size, or more processes"]


def _kib(path: str, key: str) -> float:
    """Returns a line of a file of the kernel in KiB; 0 where there is none."""
    if not os.path.exists(path):
        return 0.0
    with open(path, encoding="ascii", errors="replace") as lines:
        found = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return float(found[0]) if found else 0.0
