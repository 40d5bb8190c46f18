"""Torch functions whose calls differed between the releases that 1.x supported."""

from __future__ import annotations

import torch
from torch import Tensor


def torch_meshgrid(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Returns coordinate grids in matrix order ("ij").

    Args:
        tensors: n vectors of lengths N1, ..., Nn.

    Returns:
        n tensors of shape (N1, ..., Nn).
    """
    return torch.meshgrid(*tensors, indexing="ij")


def is_jit_tracing() -> bool:
    """Whether ``torch.jit.trace`` is at work."""
    return torch.jit.is_tracing()
