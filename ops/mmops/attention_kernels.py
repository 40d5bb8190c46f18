"""The kernels behind ``mmops.attention``: the plain formula, torch's SDPA, and flash-attn packages.

Legend: B batch, H heads, N tokens, D head dimension.

torch's order of SDPA kernels is kept where it is safe. cuDNN up to 9.15.0 returns wrong values for
token counts that are no multiple of 128 (504 px at patch 14: 1297 = 10 * 128 + 17): skipped there.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

BACKENDS = ("auto", "math", "flash", "cudnn", "fa2", "fa3", "fa4")
FIRST_GOOD_CUDNN = 91501
# Backend: the module that holds ``flash_attn_func``, and what installs it.
PACKAGES = {
    "fa2": ("flash_attn", "pip install flash-attn --no-build-isolation (compiles CUDA)"),
    "fa3": ("flash_attn_interface", "the folder hopper/ of the flash-attention repository"),
    "fa4": ("flash_attn.cute", "pip install flash-attn-4"),
}


def run_kernel(q: Tensor, k: Tensor, v: Tensor, scale: float | None, backend: str) -> Tensor:
    """Computes (B, H, N, D) with one kernel; "auto" is torch's own order where that is safe."""
    if backend == "math":
        return attention_math(q, k, v, scale)
    if backend in PACKAGES:
        heads_last = (x.transpose(1, 2) for x in (q, k, v))
        output = flash_function(backend)(*heads_last, softmax_scale=scale)
        # Some versions return the log-sum-exp too.
        output = output[0] if isinstance(output, tuple) else output
        return output.transpose(1, 2)
    with _kernels(backend, q.is_cuda):
        return F.scaled_dot_product_attention(q, k, v, scale=scale)


def attention_math(q: Tensor, k: Tensor, v: Tensor, scale: float | None = None) -> Tensor:
    """Computes attention by the plain formula; the scale is applied to the queries first."""
    factor = float(q.shape[-1]) ** -0.5 if scale is None else scale
    return ((q * factor) @ k.transpose(-2, -1)).softmax(dim=-1) @ v


def flash_function(backend: str) -> Callable[..., Any]:
    """Returns ``flash_attn_func`` of the package of ``backend``.

    Raises:
        ImportError: the package is not there; the message says what to install.
    """
    module, install = PACKAGES[backend]
    try:
        return importlib.import_module(module).flash_attn_func
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"attention backend {backend!r} needs flash_attn_func of the module {module}: install"
            f" {install}, or use backend='auto'"
        ) from error


def fastest_backend(q: Tensor) -> str:
    """Names the fastest kernel for ``q`` that is installed and not known to be wrong.

    Since cuDNN 9.15.1 torch's own order is as fast as FA3 and FA4; before it, they are the faster
    ones. FA2 is what torch's flash kernel is, so it is only used by name.
    """
    if not q.is_cuda or q.dtype not in (torch.float16, torch.bfloat16) or cudnn_is_safe():
        return "auto"
    if torch.cuda.get_device_capability(q.device) < (9, 0):
        return "auto"
    return next((name for name in ("fa4", "fa3") if is_installed(name)), "auto")


@functools.cache
def is_installed(backend: str) -> bool:
    """Tells whether the package of ``backend`` is there, without importing it."""
    try:
        return importlib.util.find_spec(PACKAGES[backend][0]) is not None
    except (ModuleNotFoundError, ValueError):
        return False


@functools.cache
def cudnn_is_safe() -> bool:
    """Tells whether torch's cuDNN has the fix for token counts that are no multiple of 128."""
    version = torch.backends.cudnn.version()
    return version is not None and version >= FIRST_GOOD_CUDNN


def _kernels(backend: str, is_cuda: bool) -> AbstractContextManager[Any]:
    if backend == "flash":
        return sdpa_kernel(SDPBackend.FLASH_ATTENTION)
    if backend == "cudnn":
        return sdpa_kernel(SDPBackend.CUDNN_ATTENTION)
    if is_cuda and not cudnn_is_safe():
        return sdpa_kernel(
            [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        )
    return nullcontext()
