"""Calls the C++ kernel on CPU tensors; ``is_available`` tells whether it could be compiled."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from mmops.native import load_library

SOURCE = Path(__file__).with_name("cpu_kernel.cpp")
SUFFIXES = {torch.float32: "float", torch.float64: "double"}


def is_available() -> bool:
    """Tells whether the native kernel can be used here; compiles it at the first call."""
    return load_library(SOURCE) is not None


def forward(value: Tensor, shapes: list[int], locations: Tensor, weights: Tensor) -> Tensor:
    """Computes (B, Q, M·D) from contiguous float32 or float64 tensors; see ``reference.py``."""
    batch, _, heads, channels = value.shape
    output = value.new_empty(batch, locations.shape[1], heads * channels)
    _call("forward", value, shapes, locations, weights, output)
    return output


def backward(
    value: Tensor, shapes: list[int], locations: Tensor, weights: Tensor, grad_output: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the gradients of value, locations and weights."""
    grads = (torch.zeros_like(value), torch.empty_like(locations), torch.empty_like(weights))
    _call("backward", value, shapes, locations, weights, grad_output, *grads)
    return grads


def _call(name: str, value: Tensor, shapes: list[int], locations: Tensor, *rest: Tensor) -> None:
    library = load_library(SOURCE)
    assert library is not None
    batch, positions, heads, channels = value.shape
    _, queries, _, levels, points, _ = locations.shape
    sizes = (batch, positions, heads, channels, queries, levels, points)
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in (value, locations, *rest)]
    function = getattr(library, f"{name}_{SUFFIXES[value.dtype]}")
    function.restype = None
    function(
        (ctypes.c_int64 * len(sizes))(*sizes),
        (ctypes.c_int64 * len(shapes))(*shapes),
        *pointers,
        ctypes.c_int(torch.get_num_threads()),
    )
