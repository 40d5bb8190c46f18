"""The one seam to attention kernels: scaled dot-product attention without masks.

Legend: B batch, H heads, N tokens, D head dimension.

torch's order of SDPA kernels is kept where it is safe. cuDNN up to 9.15.0 returns wrong values for
token counts that are no multiple of 128 (504 px at patch 14: 1297 = 10 * 128 + 17): skipped there.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

BACKENDS = ("auto", "math", "flash", "cudnn")
FIRST_GOOD_CUDNN = 91501


def attention(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None, backend: str = "auto"
) -> Tensor:
    """Computes ``softmax(q kᵀ · scale) v`` per head.

    Args:
        q: (B, H, N, D) queries; any floating dtype.
        k: (B, H, M, D) keys.
        v: (B, H, M, D) values.
        scale: factor of the logits; by default ``D ** -0.5``.
        backend: "auto" picks the fastest safe kernel of the device; "math" is the plain formula on
            any device; "flash" and "cudnn" insist on that kernel (CUDA, half precision).

    Returns:
        (B, H, N, D) in the dtype of ``q``.

    Raises:
        ValueError: unknown backend.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, but got {backend!r}")
    if backend == "math":
        return attention_math(q, k, v, scale)
    with _kernels(backend, q.is_cuda):
        return F.scaled_dot_product_attention(q, k, v, scale=scale)


def attention_math(q: Tensor, k: Tensor, v: Tensor, scale: float | None = None) -> Tensor:
    """Computes attention by the plain formula; the scale is applied to the queries first."""
    factor = float(q.shape[-1]) ** -0.5 if scale is None else scale
    return ((q * factor) @ k.transpose(-2, -1)).softmax(dim=-1) @ v


def _kernels(backend: str, is_cuda: bool) -> AbstractContextManager[Any]:
    if backend == "flash":
        return sdpa_kernel(SDPBackend.FLASH_ATTENTION)
    if backend == "cudnn":
        return sdpa_kernel(SDPBackend.CUDNN_ATTENTION)
    if is_cuda and not _cudnn_is_safe():
        return sdpa_kernel(
            [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        )
    return nullcontext()


@functools.cache
def _cudnn_is_safe() -> bool:
    version = torch.backends.cudnn.version()
    return version is not None and version >= FIRST_GOOD_CUDNN
