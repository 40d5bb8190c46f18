"""The norms in plain torch: what defines their values, on any device and to any derivative.

Legend: C channels of the last axis. fp16 and bf16 are widened to fp32 for the statistics.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Normalises (..., C): statistics in fp32, cast back, and then times the weight (C,)."""
    wide = widen(x)
    normalised = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return weight * normalised.to(x.dtype)


def add_scale_rms_norm_reference(
    x: Tensor, branch: Tensor, gamma: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Returns ``x + branch·gamma`` and its ``rms_norm``."""
    total = x + branch * gamma
    return total, rms_norm_reference(total, weight, eps)


def rms_norm_backward_reference(
    grad: Tensor, x: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Returns the gradients of ``x`` and ``weight`` by the closed formula, in fp32 throughout."""
    grad_x, grad_weight = _wide_backward(grad, x, weight, eps)
    return grad_x.to(x.dtype), grad_weight.to(weight.dtype)


def add_scale_rms_norm_backward_reference(
    grads: tuple[Tensor, Tensor],
    total: Tensor,
    branch: Tensor,
    gamma: Tensor,
    weight: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the gradients of x, branch, gamma and weight from those of the sum and its norm."""
    grad_x, grad_weight = _wide_backward(grads[1], total, weight, eps)
    grad_x = grad_x + widen(grads[0])
    grad_gamma = (grad_x * widen(branch)).flatten(0, -2).sum(0)
    grad_branch = grad_x * widen(gamma)
    return (
        grad_x.to(total.dtype),
        grad_branch.to(branch.dtype),
        grad_gamma.to(gamma.dtype),
        grad_weight.to(weight.dtype),
    )


def _wide_backward(grad: Tensor, x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    wide, wide_grad = widen(x), widen(grad)
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    normalised = wide * scale
    along = wide_grad * widen(weight)
    grad_x = scale * (along - normalised * (along * normalised).mean(-1, keepdim=True))
    return grad_x, (wide_grad * normalised.to(x.dtype)).flatten(0, -2).sum(0)


def widen(x: Tensor) -> Tensor:
    """Returns fp16 and bf16 as fp32 and everything else as it is."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
