"""Data-parallel wrappers by device type, as 1.x tools call them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mmcv.parallel.data_parallel import MMDataParallel, MMDistributedDataParallel

dp_factory = {"cuda": MMDataParallel, "cpu": MMDataParallel}
ddp_factory = {"cuda": MMDistributedDataParallel, "cpu": MMDistributedDataParallel}


def build_dp(model: nn.Module, device: str = "cuda", dim: int = 0, **kwargs: Any) -> nn.Module:
    """Wraps a model for one process; on "cuda" it is moved to the first of ``device_ids``."""
    _check_device(device, dp_factory)
    if device == "cuda":
        ids = kwargs.get("device_ids") or [torch.cuda.current_device()]
        model = model.cuda(ids[0])
    return dp_factory[device](model, dim=dim, **kwargs)


def build_ddp(model: nn.Module, device: str = "cuda", *args: Any, **kwargs: Any) -> nn.Module:
    """Wraps a model for one of several processes; needs an initialised process group."""
    _check_device(device, ddp_factory)
    if device == "cuda":
        model = model.cuda()
    return ddp_factory[device](model, *args, **kwargs)


def get_device() -> str:
    """Returns "cuda" or "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _check_device(device: str, factory: dict[str, Any]) -> None:
    if device not in factory:
        raise ValueError(f"device must be one of {sorted(factory)}, but is {device!r}")
