"""Moving tensors to one device; number -1 is the CPU, as in 1.x."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

CPU = -1


def scatter(input: Any, devices: Sequence[Any], streams: Any = None) -> Any:
    """Moves a tensor, or each of a list of tensors, to the only device of ``devices``."""
    device = single_device(devices)
    if isinstance(input, list):
        return [scatter(item, devices) for item in input]
    if isinstance(input, Tensor):
        return input.contiguous().to(device, non_blocking=True)
    raise TypeError(f"a tensor or a list of tensors is needed, but got {type(input)}")


def single_device(devices: Sequence[Any]) -> torch.device:
    """Returns the device that ``devices`` names.

    Raises:
        ValueError: more than one.
    """
    if len(devices) != 1:
        raise ValueError(
            f"one process drives one device, but got {list(devices)}: start one process per GPU "
            "with tools/dist_train.sh CONFIG GPUS"
        )
    return torch.device("cpu") if devices[0] == CPU else torch.device(devices[0])


def get_input_device(input: Any) -> int:
    """Returns the number of the GPU that a tensor (or the first of a list) is on, or -1."""
    if isinstance(input, list):
        return next((n for n in map(get_input_device, input) if n != CPU), CPU)
    if isinstance(input, Tensor):
        return input.get_device() if input.is_cuda else CPU
    raise TypeError(f"a tensor or a list of tensors is needed, but got {type(input)}")


class Scatter:
    """The 1.x spelling of ``scatter``."""

    @staticmethod
    def forward(target_gpus: Sequence[Any], input: Any) -> tuple[Any, ...]:
        """Returns the moved tensors as a tuple."""
        moved = scatter(input, target_gpus)
        return tuple(moved) if isinstance(moved, list) else (moved,)
