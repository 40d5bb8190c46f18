"""What anchors and points share: grids over feature maps and where they are inside the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Device = torch.device | str | None
Size = Sequence[int]


def pair(value: Any) -> tuple[Any, Any]:
    """Returns ``value`` twice unless it is a pair already."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def default_device() -> str:
    """Returns the device that 1.x took without asking, if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def cpu_tensor(values: Any) -> Tensor:
    """Returns a float32 tensor with real values, also while a model is built on the meta device."""
    return torch.tensor(np.asarray(values), dtype=torch.float32, device="cpu")


def meshgrid(x: Tensor, y: Tensor, row_major: bool = True) -> tuple[Tensor, Tensor]:
    """Returns x and y of every cell, row by row; y and x if ``row_major`` is False."""
    xx = x.repeat(y.shape[0])
    yy = y.view(-1, 1).repeat(1, x.shape[0]).view(-1)
    return (xx, yy) if row_major else (yy, xx)


def valid_cells(featmap_size: Size, valid_size: Size, number: int, device: Device) -> Tensor:
    """Flags the priors of a map whose cell lies in its top left part.

    Args:
        featmap_size: (height, width) of the map.
        valid_size: (height, width) of the part.
        number: priors of each cell.
        device: of the result.

    Returns:
        (height * width * number,) bool.
    """
    height, width = featmap_size
    valid_height, valid_width = valid_size
    assert valid_height <= height and valid_width <= width
    flags = torch.zeros(height, width, number, dtype=torch.bool, device=device or default_device())
    flags[:valid_height, :valid_width] = True
    return flags.view(-1)


def covered_cells(featmap_size: Size, pad_shape: Size, stride: Size) -> tuple[int, int]:
    """Returns how many rows and columns of a map an image of ``pad_shape`` (h, w) reaches."""
    height, width = pad_shape[:2]
    return (
        min(int(np.ceil(height / stride[1])), featmap_size[0]),
        min(int(np.ceil(width / stride[0])), featmap_size[1]),
    )


def describe(generator: Any, names: Sequence[str]) -> str:
    """Returns a ``repr`` with one line for each of the attributes ``names``."""
    lines = [f"    {name}={getattr(generator, name, None)}" for name in names]
    return f"{type(generator).__name__}(\n" + ",\n".join(lines) + ")"
