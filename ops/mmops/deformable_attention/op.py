"""Multi-scale deformable attention as one torch operator, with a backend per device.

| backend | where | when |
| --- | --- | --- |
| triton | CUDA | Triton is installed (torch's CUDA wheels bring it) |
| native | CPU | a C++ compiler is there at the first call |
| rows | any | no gradient is wanted: gathers whole rows with ``F.embedding_bag`` |
| reference | any | the rest: ``F.grid_sample`` |

The operator is opaque to ``torch.compile`` and has a fake form, so that graphs do not break at it.
Autocast lowers fp32 values to its own dtype, with every backend; locations and weights stay fp32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmops.deformable_attention import cpu
from mmops.deformable_attention.reference import (
    ms_deform_attn_reference,
    ms_deform_attn_reference_backward,
)
from mmops.deformable_attention.rows import ms_deform_attn_rows
from mmops.optional import has_triton

BACKENDS = ("auto", "reference", "rows", "native", "triton")


def ms_deform_attn(
    value: Tensor,
    shapes: Tensor | Sequence[Sequence[int]],
    locations: Tensor,
    weights: Tensor,
    *,
    backend: str = "auto",
    deterministic: bool | None = None,
) -> Tensor:
    """Sums bilinear samples of ``value`` at ``locations``; outside of a map the value is zero.

    Args:
        value: (B, S, M, D); fp32, fp64, fp16 or bf16. Sums run in fp32 (fp64 for fp64).
        shapes: (L, 2) height and width of each level; S = Σ height·width. Pass a list of pairs to
            avoid a device synchronisation.
        locations: (B, Q, M, L, P, 2) x, y in units of the map: 0 and 1 are its outer edges.
        weights: (B, Q, M, L, P).
        backend: one of the table above; "auto" picks.
        deterministic: no atomic additions in the backward pass; default: torch's global setting.

    Returns:
        (B, Q, M·D) in the dtype of ``value``.

    Raises:
        ValueError: sizes that do not fit together; the message names the argument.
    """
    if isinstance(shapes, Tensor):
        shapes = shapes.tolist()
    sizes = [int(n) for pair in shapes for n in pair]
    _check(value, sizes, locations, weights, backend)
    value = _autocast(value)
    # bf16 has 8 bits: on a 64-pixel map it would move samples by a quarter of a pixel.
    wide = torch.promote_types(value.dtype, torch.float32)
    locations, weights = locations.to(wide), weights.to(wide)
    backend = _pick(value, locations, weights) if backend == "auto" else backend
    if backend == "reference" or 0 in (value.numel(), locations.numel()):
        return ms_deform_attn_reference(value, _pairs(sizes), locations, weights)
    if backend == "rows":
        return ms_deform_attn_rows(value, _pairs(sizes), locations, weights)
    if deterministic is None:
        deterministic = torch.are_deterministic_algorithms_enabled()
    return _forward_op(value, sizes, locations, weights, deterministic)


def _check(
    value: Tensor, sizes: list[int], locations: Tensor, weights: Tensor, backend: str
) -> None:
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, but got {backend!r}")
    if value.ndim != 4:
        raise ValueError(f"value must be (B, S, M, D), but got {tuple(value.shape)}")
    batch, positions, heads, _ = value.shape
    pairs = _pairs(sizes)
    if sum(h * w for h, w in pairs) != positions:
        raise ValueError(f"shapes {pairs} do not cover the {positions} positions of value")
    if locations.ndim != 6 or locations.shape[-1] != 2:
        raise ValueError(f"locations must be (B, Q, M, L, P, 2), but got {tuple(locations.shape)}")
    if (locations.shape[0], locations.shape[2], locations.shape[3]) != (batch, heads, len(pairs)):
        raise ValueError(
            f"locations {tuple(locations.shape)} do not fit {batch} images, {heads} heads and"
            f" {len(pairs)} levels"
        )
    if weights.shape != locations.shape[:-1]:
        raise ValueError(
            f"weights must be {tuple(locations.shape[:-1])}, but got {tuple(weights.shape)}"
        )


def _pick(value: Tensor, locations: Tensor, weights: Tensor) -> str:
    if value.is_cuda:
        return "triton" if has_triton() else "reference"
    if value.device.type == "meta" or torch.compiler.is_compiling():
        return "native"
    if value.device.type != "cpu":
        return "reference"
    if cpu.is_available():
        return "native"
    needs_grad = torch.is_grad_enabled() and any(
        t.requires_grad for t in (value, locations, weights)
    )
    return "reference" if needs_grad else "rows"


def _autocast(value: Tensor) -> Tensor:
    """Returns fp32 values in the dtype of autocast, where it is on."""
    device = value.device.type
    if value.dtype != torch.float32 or not torch.amp.is_autocast_available(device):
        return value
    if not torch.is_autocast_enabled(device):
        return value
    return value.to(torch.get_autocast_dtype(device))


def _pairs(sizes: list[int]) -> list[tuple[int, int]]:
    return list(zip(sizes[::2], sizes[1::2], strict=True))


@torch.library.custom_op("mmops::ms_deform_attn", mutates_args=())
def _forward_op(
    value: Tensor, sizes: list[int], locations: Tensor, weights: Tensor, deterministic: bool
) -> Tensor:
    locations, weights = locations.contiguous(), weights.contiguous()
    if value.is_cuda:
        from mmops.deformable_attention import triton_kernel

        return triton_kernel.forward(value.contiguous(), sizes, locations, weights)
    if not cpu.is_available():
        return ms_deform_attn_reference(value, _pairs(sizes), locations, weights)
    wide = value.to(locations.dtype).contiguous()
    return cpu.forward(wide, sizes, locations, weights).to(value.dtype)


@torch.library.custom_op("mmops::ms_deform_attn_backward", mutates_args=())
def _backward_op(
    value: Tensor,
    sizes: list[int],
    locations: Tensor,
    weights: Tensor,
    grad_output: Tensor,
    deterministic: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    inputs = [t.contiguous() for t in (value, locations, weights, grad_output)]
    if value.is_cuda:
        from mmops.deformable_attention import triton_kernel

        return triton_kernel.backward(inputs[0], sizes, *inputs[1:], deterministic=deterministic)
    inputs = [t.to(locations.dtype) for t in inputs]
    if cpu.is_available():
        grads = cpu.backward(inputs[0], sizes, *inputs[1:])
    else:
        grads = ms_deform_attn_reference_backward(inputs[0], _pairs(sizes), *inputs[1:])
    return grads[0].to(value.dtype), grads[1], grads[2]


@_forward_op.register_fake
def _(value, sizes, locations, weights, deterministic):
    batch, _, heads, channels = value.shape
    return value.new_empty(batch, locations.shape[1], heads * channels)


@_backward_op.register_fake
def _(value, sizes, locations, weights, grad_output, deterministic):
    contiguous = torch.contiguous_format
    return tuple(torch.empty_like(t, memory_format=contiguous) for t in (value, locations, weights))


def _setup_context(ctx, inputs, output):
    value, ctx.sizes, locations, weights, ctx.deterministic = inputs
    ctx.save_for_backward(value, locations, weights)


def _backward(ctx, grad_output):
    value, locations, weights = ctx.saved_tensors
    grads = _backward_op(value, ctx.sizes, locations, weights, grad_output, ctx.deterministic)
    return grads[0], None, grads[1], grads[2], None


_forward_op.register_autograd(_backward, setup_context=_setup_context)


# Not `register_autocast`: it would cast the locations too, which bf16 cannot hold.
_LIBRARY = torch.library.Library("mmops", "FRAGMENT")


def _forward_under_autocast(value, sizes, locations, weights, deterministic):
    value = _autocast(value)
    with torch.autocast(value.device.type, enabled=False):
        return _forward_op(value, sizes, locations, weights, deterministic)


for _key in ("AutocastCPU", "AutocastCUDA"):
    _LIBRARY.impl("ms_deform_attn", _forward_under_autocast, _key)
