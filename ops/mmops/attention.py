"""The one seam to attention kernels: scaled dot-product attention without masks.

| backend | kernel |
| --- | --- |
| auto | the fastest safe one of the device; on GPUs checked once per shape |
| math | the plain formula, on any device |
| flash, cudnn | that kernel of torch (CUDA, half precision) |
| fa2, fa3, fa4 | a flash-attn package, if it is installed |

Kernels have been wrong for particular token counts before, silently. So "auto" compares its choice
with the plain formula the first time it meets a shape (some milliseconds), and passes it over if
they differ.

Legend: B batch, H heads, N tokens, D head dimension.
"""

from __future__ import annotations

import functools
import logging

import torch
from torch import Tensor

from mmops.attention_kernels import BACKENDS, attention_math, fastest_backend, run_kernel

logger = logging.getLogger(__name__)

CHECK_HEADS = 2
# Of the largest value; fp32 matrix products may run in TF32.
TOLERANCES = {torch.float16: 2e-2, torch.bfloat16: 5e-2, torch.float32: 1e-2, torch.float64: 1e-6}


def attention(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None, backend: str = "auto"
) -> Tensor:
    """Computes ``softmax(q kᵀ · scale) v`` per head.

    Args:
        q: (B, H, N, D) queries; any floating dtype.
        k: (B, H, M, D) keys.
        v: (B, H, M, D) values.
        scale: factor of the logits; by default ``D ** -0.5``.
        backend: see the table above.

    Returns:
        (B, H, N, D) in the dtype of ``q``.

    Raises:
        ValueError: unknown backend.
        ImportError: the backend's package is not installed.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, but got {backend!r}")
    if backend == "auto" and q.is_cuda and q.numel() and not torch.compiler.is_compiling():
        name = fastest_backend(q)
        backend = check_attention(q.shape[-2], q.shape[-1], q.dtype, q.device, backend=name)
    return run_kernel(q, k, v, scale, backend)


@functools.cache
def check_attention(
    num_tokens: int,
    head_dim: int,
    dtype: torch.dtype,
    device: torch.device | str,
    *,
    backend: str = "auto",
) -> str:
    """Compares a kernel with the plain formula, in values and gradients, once per set of arguments.

    Args:
        num_tokens: N.
        head_dim: D.
        dtype: of queries, keys and values.
        device: where to run.
        backend: the kernel in question.

    Returns:
        ``backend`` if it is right; else, after a warning, the first of "flash" (CUDA) and "math"
        that is.
    """
    q = _random_inputs(num_tokens, head_dim, dtype, torch.device(device))
    problem = _find_problem(q, backend)
    if problem is None:
        return backend
    others = [name for name in ("flash",) if q[0].is_cuda and name != backend]
    good = next((name for name in others if _find_problem(q, name) is None), "math")
    logger.warning(
        "attention backend %r is not used for %d tokens, head dimension %d, %s on %s: %s; %r is",
        *(backend, num_tokens, head_dim, dtype, device, problem, good),
    )
    return good


@torch.inference_mode(False)
def _random_inputs(
    num_tokens: int, head_dim: int, dtype: torch.dtype, device: torch.device
) -> list[Tensor]:
    """Returns queries, keys, values and a gradient; the global random state is not touched."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, CHECK_HEADS, num_tokens, head_dim)
    return [torch.randn(shape, generator=generator).to(device, dtype) for _ in range(4)]


@torch.inference_mode(False)
def _find_problem(inputs: list[Tensor], backend: str) -> str | None:
    """Says what is wrong with a kernel's output or gradients; None if nothing is."""
    wide = [t.double() if t.dtype == torch.float64 else t.float() for t in inputs]
    try:
        results = _values_and_gradients(inputs, backend)
    except (RuntimeError, ImportError) as error:
        return f"it fails ({str(error).splitlines()[0]})"
    tolerance = TOLERANCES[inputs[0].dtype]
    wanted = _values_and_gradients(wide, "math")
    for name, got, want in zip(("output", "dq", "dk", "dv"), results, wanted, strict=True):
        worst = float((got.to(want.dtype) - want).abs().max() / want.abs().max())
        if not worst <= tolerance:  # NaN is not
            return f"its {name} is off by {worst:.2g} of the largest value"
    return None


def _values_and_gradients(inputs: list[Tensor], backend: str) -> list[Tensor]:
    device_type = inputs[0].device.type
    with torch.enable_grad(), torch.autocast(device_type, enabled=False):
        leaves = [t.detach().requires_grad_() for t in inputs[:3]]
        output = run_kernel(leaves[0], leaves[1], leaves[2], None, backend)
        return [output.detach(), *torch.autograd.grad(output, leaves, inputs[3])]


__all__ = ["BACKENDS", "attention", "attention_math", "check_attention"]
