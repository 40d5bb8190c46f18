"""RMSNorm and its fusions with qk-norm, LayerScale and the residual, behind one switch.

| backend | what runs |
| --- | --- |
| reference | plain torch, differentiated by autograd |
| fused | one operator with its own backward: Triton on CUDA, the closed formula elsewhere |
| auto | fused on CUDA with Triton for fp32, fp16 and bf16; the reference otherwise |

The argument ``backend`` decides; where it is left at "auto", ``$MMOPS_NORM`` may name another.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

from mmops.norm.reference import (
    add_scale_rms_norm_backward_reference,
    add_scale_rms_norm_reference,
    rms_norm_backward_reference,
    rms_norm_reference,
)
from mmops.optional import has_triton

BACKENDS = ("auto", "reference", "fused")
TRITON_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-6, *, backend: str = "auto") -> Tensor:
    """Normalises the last axis by its root mean square (Zhang & Sennrich, 2019, arXiv:1910.07467).

    The published InternViT's order: the mean square is taken in fp32, the normalised value is cast
    back to the dtype of ``x`` and *then* multiplied by the weight. ``F.rms_norm`` multiplies before
    it casts: other bf16 values.

    Args:
        x: (..., C); rows may be strided, as the thirds of a (..., 3C) projection are.
        weight: (C,).
        eps: added to the mean square.
        backend: see the table above.

    Returns:
        (..., C); dtype by promotion of ``x`` and ``weight``.

    Raises:
        ValueError: a weight of another width, or an unknown backend.
    """
    _check_width("weight", weight, x)
    if uses_fused(x, backend=backend):
        return _rms_norm_op(x, weight, eps)
    return rms_norm_reference(x, weight, eps)


def qk_norm(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    eps: float = 1e-6,
    *,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Normalises queries and keys (..., C) over the full width, before it is split into heads.

    Views of one projection are read in place: nothing is stacked or copied.
    """
    q = rms_norm(q, q_weight, eps, backend=backend)
    return q, rms_norm(k, k_weight, eps, backend=backend)


def add_scale_rms_norm(
    x: Tensor,
    branch: Tensor,
    gamma: Tensor,
    weight: Tensor,
    eps: float = 1e-6,
    *,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Adds a residual branch under LayerScale and normalises the sum, in one pass.

    Args:
        x: (..., C).
        branch: as ``x``.
        gamma: (C,) LayerScale.
        weight: (C,) of the norm.
        eps: of the norm.
        backend: see the table above. Mixed dtypes take the reference, which promotes.

    Returns:
        ``x + branch·gamma``, and ``rms_norm`` of it.

    Raises:
        ValueError: shapes that differ, or an unknown backend.
    """
    _check_width("gamma", gamma, x)
    _check_width("weight", weight, x)
    if branch.shape != x.shape:
        raise ValueError(f"branch must be {tuple(x.shape)} as x, but got {tuple(branch.shape)}")
    if x.dtype == branch.dtype == gamma.dtype and uses_fused(x, backend=backend):
        return _add_scale_rms_norm_op(x, branch, gamma, weight, eps)
    return add_scale_rms_norm_reference(x, branch, gamma, weight, eps)


def uses_fused(x: Tensor, *, backend: str = "auto") -> bool:
    """Tells whether the switch chooses the fused operators for ``x``."""
    backend = os.environ.get("MMOPS_NORM", "auto") if backend == "auto" else backend
    if backend not in BACKENDS:
        raise ValueError(
            f"backend (or $MMOPS_NORM) must be one of {', '.join(BACKENDS)}, but got {backend!r}"
        )
    if backend == "auto":
        return x.is_cuda and x.dtype in TRITON_DTYPES and has_triton()
    return backend == "fused"


def _check_width(name: str, vector: Tensor, x: Tensor) -> None:
    if vector.shape != x.shape[-1:]:
        raise ValueError(
            f"{name} must be ({x.shape[-1]},) for x {tuple(x.shape)}, but got {tuple(vector.shape)}"
        )


def _runs_triton(x: Tensor) -> bool:
    return x.is_cuda and x.dtype in TRITON_DTYPES and x.numel() > 0 and has_triton()


@torch.library.custom_op("mmops::rms_norm", mutates_args=())
def _rms_norm_op(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    if _runs_triton(x):
        from mmops.norm import triton_kernel

        return triton_kernel.rms_norm(x, weight, eps)
    return rms_norm_reference(x, weight, eps).contiguous()


@torch.library.custom_op("mmops::rms_norm_backward", mutates_args=())
def _rms_norm_backward_op(
    grad: Tensor, x: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    if _runs_triton(x):
        from mmops.norm import triton_kernel

        return triton_kernel.rms_norm_backward(grad, x, weight, eps)
    grad_x, grad_weight = rms_norm_backward_reference(grad, x, weight, eps)
    return grad_x.contiguous(), grad_weight


@torch.library.custom_op("mmops::add_scale_rms_norm", mutates_args=())
def _add_scale_rms_norm_op(
    x: Tensor, branch: Tensor, gamma: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    if _runs_triton(x):
        from mmops.norm import triton_kernel

        return triton_kernel.add_scale_rms_norm(x, branch, gamma, weight, eps)
    total, normed = add_scale_rms_norm_reference(x, branch, gamma, weight, eps)
    return total.contiguous(), normed.contiguous()


@torch.library.custom_op("mmops::add_scale_rms_norm_backward", mutates_args=())
def _add_scale_rms_norm_backward_op(
    grad_total: Tensor,
    grad_normed: Tensor,
    total: Tensor,
    branch: Tensor,
    gamma: Tensor,
    weight: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the gradients of x, branch, gamma and weight."""
    if _runs_triton(total):
        from mmops.norm import triton_kernel

        return triton_kernel.add_scale_rms_norm_backward(
            grad_total, grad_normed, total, branch, gamma, weight, eps
        )
    grads = add_scale_rms_norm_backward_reference(
        (grad_total, grad_normed), total, branch, gamma, weight, eps
    )
    return grads[0].contiguous(), grads[1].contiguous(), grads[2], grads[3]


@_rms_norm_op.register_fake
def _(x, weight, eps):
    return torch.empty(x.shape, dtype=torch.promote_types(x.dtype, weight.dtype), device=x.device)


@_rms_norm_backward_op.register_fake
def _(grad, x, weight, eps):
    return _empty(x), torch.empty_like(weight)


@_add_scale_rms_norm_op.register_fake
def _(x, branch, gamma, weight, eps):
    dtype = torch.promote_types(x.dtype, weight.dtype)
    return _empty(x), torch.empty(x.shape, dtype=dtype, device=x.device)


@_add_scale_rms_norm_backward_op.register_fake
def _(grad_total, grad_normed, total, branch, gamma, weight, eps):
    return _empty(total), _empty(branch), torch.empty_like(gamma), torch.empty_like(weight)


def _empty(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _setup_rms_norm(ctx, inputs, output):
    x, weight, ctx.eps = inputs
    ctx.save_for_backward(x, weight)


def _rms_norm_backward(ctx, grad):
    return *_rms_norm_backward_op(grad, *ctx.saved_tensors, ctx.eps), None


def _setup_add_scale_rms_norm(ctx, inputs, output):
    _, branch, gamma, weight, ctx.eps = inputs
    ctx.save_for_backward(output[0], branch, gamma, weight)


def _add_scale_rms_norm_backward(ctx, grad_total, grad_normed):
    grads = _add_scale_rms_norm_backward_op(grad_total, grad_normed, *ctx.saved_tensors, ctx.eps)
    return *grads, None


_rms_norm_op.register_autograd(_rms_norm_backward, setup_context=_setup_rms_norm)
_add_scale_rms_norm_op.register_autograd(
    _add_scale_rms_norm_backward, setup_context=_setup_add_scale_rms_norm
)
