"""torch's layers under the names of 1.x's wrappers.

The wrappers gave old versions of torch support for empty batches; torch has it since 1.5.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Conv2d = nn.Conv2d
Conv3d = nn.Conv3d
ConvTranspose2d = nn.ConvTranspose2d
ConvTranspose3d = nn.ConvTranspose3d
MaxPool2d = nn.MaxPool2d
MaxPool3d = nn.MaxPool3d
Linear = nn.Linear


class NewEmptyTensorOp(torch.autograd.Function):
    """Makes an empty tensor of a given shape that passes (empty) gradients on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, new_shape: tuple[int, ...]) -> Tensor:
        """Returns an empty tensor of ``new_shape``."""
        ctx.shape = x.shape
        return x.new_empty(new_shape)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Returns an empty gradient of the input's shape."""
        return NewEmptyTensorOp.apply(grads[0], ctx.shape), None


def obsolete_torch_version(torch_version: Any, version_threshold: Any) -> bool:
    """Returns whether ``torch_version``, a tuple of numbers, is at most ``version_threshold``."""
    return torch_version <= version_threshold
