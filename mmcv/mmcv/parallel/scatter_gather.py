"""Unwrapping a batch and moving it to a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.data.data_container import DataContainer
from mmcv.parallel._functions import single_device


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list[Any]:
    """Returns ``[inputs]`` with tensors on the device and DataContainers unwrapped.

    Args:
        inputs: tensors, DataContainers of a batch, and lists, tuples and dicts of them; anything
            else is passed on.
        target_gpus: one device: a number (-1: the CPU), a name or a torch.device.
        dim: without effect.
    """
    return [_move(inputs, single_device(target_gpus))]


def scatter_kwargs(
    inputs: Any, kwargs: Any, target_gpus: Sequence[Any], dim: int = 0
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Scatters positional and keyword arguments of a call; see scatter."""
    return tuple(scatter(inputs or (), target_gpus)), tuple(scatter(kwargs or {}, target_gpus))


def _move(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, DataContainer):
        # A batched container holds a list with one group per device.
        content = value.data[0] if isinstance(value.data, list) and value.data else value.data
        return content if value.cpu_only else _move(content, device)
    if isinstance(value, tuple):
        moved = [_move(item, device) for item in value]
        return type(value)(*moved) if hasattr(value, "_fields") else tuple(moved)
    if isinstance(value, list):
        return [_move(item, device) for item in value]
    if isinstance(value, Mapping):
        return {key: _move(item, device) for key, item in value.items()}
    return value
