"""RMSNorm and add + LayerScale + RMSNorm in Triton, forward and backward, compiled at run time.

One program holds a whole row in registers, so that every tensor is read and written once. In the
backward pass a program walks over many rows and keeps the sums for the weights in registers; the
programs' sums are added at the end in a fixed order: the gradients are deterministic.

Arithmetic is fp32; values are rounded where the plain torch form rounds them.
"""

# pyright: basic, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

PROGRAMS_PER_PROCESSOR = 2
INTERPRETED_PROGRAMS = 2


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Computes (..., C) from rows that may be strided."""
    rows = _rows(x)
    dtype = torch.promote_types(x.dtype, weight.dtype)
    output = torch.empty(x.shape, dtype=dtype, device=x.device)
    count, width = rows.shape
    _rms_norm_kernel[(count,)](rows, weight, output, rows.stride(0), eps, C=width, **_launch(width))
    return output


def rms_norm_backward(grad: Tensor, x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Computes the gradients of ``x`` and ``weight``."""
    grads, rows = _rows(grad), _rows(x)
    count, width = rows.shape
    programs = _programs(x, count)
    grad_x = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    sums = torch.empty(programs, width, dtype=torch.float32, device=x.device)
    _rms_norm_backward_kernel[(programs,)](
        grads,
        rows,
        weight,
        grad_x,
        sums,
        grads.stride(0),
        rows.stride(0),
        count,
        eps,
        C=width,
        **_launch(width),
    )
    return grad_x, sums.sum(0).to(weight.dtype)


def add_scale_rms_norm(
    x: Tensor, branch: Tensor, gamma: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Computes ``x + branch·gamma`` and its norm; x, branch and gamma have one dtype."""
    rows, branches = _rows(x), _rows(branch)
    count, width = rows.shape
    total = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    dtype = torch.promote_types(x.dtype, weight.dtype)
    normed = torch.empty(x.shape, dtype=dtype, device=x.device)
    _add_scale_kernel[(count,)](
        rows,
        branches,
        gamma,
        weight,
        total,
        normed,
        rows.stride(0),
        branches.stride(0),
        eps,
        C=width,
        **_launch(width),
    )
    return total, normed


def add_scale_rms_norm_backward(
    grad_total: Tensor,
    grad_normed: Tensor,
    total: Tensor,
    branch: Tensor,
    gamma: Tensor,
    weight: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Computes the gradients of x, branch, gamma and weight."""
    inputs = [_rows(t) for t in (grad_total, grad_normed, total, branch)]
    count, width = inputs[0].shape
    programs = _programs(total, count)
    grad_x, grad_branch = (
        torch.empty(t.shape, dtype=t.dtype, device=t.device) for t in (total, branch)
    )
    sums = torch.empty(2, programs, width, dtype=torch.float32, device=total.device)
    _add_scale_backward_kernel[(programs,)](
        *inputs,
        gamma,
        weight,
        grad_x,
        grad_branch,
        sums,
        *(t.stride(0) for t in inputs),
        count,
        eps,
        C=width,
        **_launch(width),
    )
    grad_gamma, grad_weight = sums.sum(1)
    return grad_x, grad_branch, grad_gamma.to(gamma.dtype), grad_weight.to(weight.dtype)


def _rows(x: Tensor) -> Tensor:
    """(..., C) -> (rows, C) whose last stride is 1; copied only where strides do not allow it."""
    rows = x.reshape(-1, x.shape[-1])
    return rows if rows.stride(1) == 1 else rows.contiguous()


def _programs(x: Tensor, rows: int) -> int:
    if not x.is_cuda:
        return min(rows, INTERPRETED_PROGRAMS)
    processors = torch.cuda.get_device_properties(x.device).multi_processor_count
    return min(rows, PROGRAMS_PER_PROCESSOR * processors)


def _launch(width: int) -> dict[str, int]:
    block = triton.next_power_of_2(width)
    return {"BLOCK": block, "num_warps": min(max(block // 512, 1), 16)}


@triton.jit
def _rms_norm_kernel(x, weight, output, stride, eps, C: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    mask = column < C
    values = tl.load(x + row * stride + column, mask=mask, other=0.0)
    wide = values.to(tl.float32)
    scale = 1 / tl.sqrt(tl.sum(wide * wide, 0) / C + eps)
    normalised = (wide * scale).to(values.dtype).to(tl.float32)
    factor = tl.load(weight + column, mask=mask, other=0.0).to(tl.float32)
    result = (normalised * factor).to(output.dtype.element_ty)
    tl.store(output + row * C + column, result, mask=mask)


@triton.jit
def _rms_norm_backward_kernel(
    grad,
    x,
    weight,
    grad_x,
    sums,
    grad_stride,
    x_stride,
    rows,
    eps,
    C: tl.constexpr,
    BLOCK: tl.constexpr,
):
    program = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    mask = column < C
    factor = tl.load(weight + column, mask=mask, other=0.0).to(tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for index in range(program, rows, tl.num_programs(0)):
        row = tl.cast(index, tl.int64)
        values = tl.load(x + row * x_stride + column, mask=mask, other=0.0)
        given = tl.load(grad + row * grad_stride + column, mask=mask, other=0.0).to(tl.float32)
        wide = values.to(tl.float32)
        scale = 1 / tl.sqrt(tl.sum(wide * wide, 0) / C + eps)
        normalised = wide * scale
        along = given * factor
        result = scale * (along - normalised * (tl.sum(along * normalised, 0) / C))
        tl.store(grad_x + row * C + column, result.to(grad_x.dtype.element_ty), mask=mask)
        total += given * normalised.to(values.dtype).to(tl.float32)
    tl.store(sums + program * C + column, total, mask=mask)


@triton.jit
def _add_scale_kernel(
    x,
    branch,
    gamma,
    weight,
    total,
    normed,
    x_stride,
    branch_stride,
    eps,
    C: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    mask = column < C
    values = tl.load(x + row * x_stride + column, mask=mask, other=0.0)
    added = tl.load(branch + row * branch_stride + column, mask=mask, other=0.0).to(tl.float32)
    layer_scale = tl.load(gamma + column, mask=mask, other=0.0).to(tl.float32)
    added = (added * layer_scale).to(values.dtype).to(tl.float32)
    rounded = (values.to(tl.float32) + added).to(values.dtype)
    tl.store(total + row * C + column, rounded, mask=mask)
    wide = rounded.to(tl.float32)
    scale = 1 / tl.sqrt(tl.sum(wide * wide, 0) / C + eps)
    normalised = (wide * scale).to(values.dtype).to(tl.float32)
    factor = tl.load(weight + column, mask=mask, other=0.0).to(tl.float32)
    result = (normalised * factor).to(normed.dtype.element_ty)
    tl.store(normed + row * C + column, result, mask=mask)


@triton.jit
def _add_scale_backward_kernel(
    grad_total,
    grad_normed,
    total,
    branch,
    gamma,
    weight,
    grad_x,
    grad_branch,
    sums,
    grad_total_stride,
    grad_normed_stride,
    total_stride,
    branch_stride,
    rows,
    eps,
    C: tl.constexpr,
    BLOCK: tl.constexpr,
):
    program = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    mask = column < C
    factor = tl.load(weight + column, mask=mask, other=0.0).to(tl.float32)
    layer_scale = tl.load(gamma + column, mask=mask, other=0.0).to(tl.float32)
    for_gamma = tl.zeros((BLOCK,), tl.float32)
    for_weight = tl.zeros((BLOCK,), tl.float32)
    for index in range(program, rows, tl.num_programs(0)):
        row = tl.cast(index, tl.int64)
        values = tl.load(total + row * total_stride + column, mask=mask, other=0.0)
        given = tl.load(grad_normed + row * grad_normed_stride + column, mask=mask, other=0.0)
        passed = tl.load(grad_total + row * grad_total_stride + column, mask=mask, other=0.0)
        added = tl.load(branch + row * branch_stride + column, mask=mask, other=0.0)
        given = given.to(tl.float32)
        wide = values.to(tl.float32)
        scale = 1 / tl.sqrt(tl.sum(wide * wide, 0) / C + eps)
        normalised = wide * scale
        along = given * factor
        through = scale * (along - normalised * (tl.sum(along * normalised, 0) / C))
        result = passed.to(tl.float32) + through
        tl.store(grad_x + row * C + column, result.to(grad_x.dtype.element_ty), mask=mask)
        scaled = (result * layer_scale).to(grad_branch.dtype.element_ty)
        tl.store(grad_branch + row * C + column, scaled, mask=mask)
        for_gamma += result * added.to(tl.float32)
        for_weight += given * normalised.to(values.dtype).to(tl.float32)
    tl.store(sums + program * C + column, for_gamma, mask=mask)
    place = (tl.num_programs(0) + program) * C + column
    tl.store(sums + place, for_weight, mask=mask)
