"""Counts multiply-adds and parameters of a model, layer by layer, by 1.x's rules.

One multiply-add counts as one. Matrix products outside of layers (attention scores) do not count;
for those use ``torch.utils.flop_counter.FlopCounterMode``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, TextIO

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd


def get_model_complexity_info(
    model: nn.Module,
    input_shape: tuple[int, ...],
    print_per_layer_stat: bool = True,
    as_strings: bool = True,
    input_constructor: Callable[[tuple[int, ...]], dict[str, Any]] | None = None,
    flush: bool = False,
    ost: TextIO = sys.stdout,
) -> tuple[Any, Any]:
    """Counts what one forward pass with a batch of one computes.

    Args:
        model: run once, in evaluation mode.
        input_shape: shape of the input without the batch axis.
        print_per_layer_stat: write a table of layers to ``ost``.
        as_strings: return strings such as "3.2 GFLOPs" and "25.5 M".
        input_constructor: makes the arguments of ``model`` from ``input_shape``.
        flush: flush ``ost``.
        ost: where the table goes.

    Returns:
        Multiply-adds and parameters.
    """
    if not isinstance(input_shape, tuple) or not input_shape:
        raise ValueError(f"input_shape must be a tuple of sizes, but got {input_shape!r}")
    counts: dict[nn.Module, float] = {}
    handles = [_watch(m, counts) for m in model.modules() if _rule(m) is not None]
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()
            if input_constructor is not None:
                model(**input_constructor(input_shape))
            else:
                like = next(model.parameters(), torch.empty(()))
                model(torch.ones((1, *input_shape), dtype=like.dtype, device=like.device))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    flops = sum(counts.values())
    params = sum(p.numel() for p in model.parameters() if p.requires_grad)
    if print_per_layer_stat:
        _write_table(model, counts, ost, flush)
    if as_strings:
        return flops_to_string(flops), params_to_string(params)
    return flops, params


def flops_to_string(flops: float, units: str | None = "GFLOPs", precision: int = 2) -> str:
    """Formats ``flops`` in ``units``: GFLOPs, MFLOPs, KFLOPs, FLOPs; None picks one."""
    sizes = {"GFLOPs": 10**9, "MFLOPs": 10**6, "KFLOPs": 10**3}
    if units is None:
        units = next((unit for unit, size in sizes.items() if flops >= size), "FLOPs")
    if units not in sizes:
        return f"{flops} FLOPs"
    return f"{round(flops / sizes[units], precision)} {units}"


def params_to_string(num_params: float, units: str | None = None, precision: int = 2) -> str:
    """Formats a number of parameters in ``units``: M, K; None picks one."""
    if units is None:
        if num_params >= 10**6:
            return f"{round(num_params / 10**6, precision)} M"
        if num_params >= 10**3:
            return f"{round(num_params / 10**3, precision)} k"
        return str(num_params)
    sizes = {"M": 10**6, "K": 10**3}
    if units not in sizes:
        return str(num_params)
    return f"{round(num_params / sizes[units], precision)} {units}"


def _count_conv(layer: Any, x: Tensor, y: Tensor) -> float:
    per_position = math.prod(layer.kernel_size) * layer.in_channels * layer.out_channels
    # A transposed convolution applies its kernel once for each position of the input.
    places = x if layer.transposed else y
    positions = places.shape[0] * math.prod(places.shape[2:])
    bias = y.numel() if layer.bias is not None else 0
    return per_position // layer.groups * positions + bias


def _count_linear(layer: Any, x: Tensor, y: Tensor) -> float:
    return x.numel() * y.shape[-1]


def _count_input(layer: Any, x: Tensor, y: Tensor) -> float:
    return x.numel()


def _count_output(layer: Any, x: Tensor, y: Tensor) -> float:
    return y.numel()


def _count_norm(layer: Any, x: Tensor, y: Tensor) -> float:
    affine = getattr(layer, "affine", False) or getattr(layer, "elementwise_affine", False)
    return x.numel() * (2 if affine else 1)


_POOLS = tuple(
    getattr(nn, f"{adaptive}{kind}Pool{n}d")
    for adaptive in ("", "Adaptive")
    for kind in ("Max", "Avg")
    for n in (1, 2, 3)
)
_RULES: tuple[tuple[tuple[type, ...], Callable[[Any, Tensor, Tensor], float]], ...] = (
    ((_ConvNd, _ConvTransposeNd), _count_conv),
    ((nn.Linear,), _count_linear),
    ((nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.ReLU6), _count_output),
    (_POOLS, _count_input),
    ((_NormBase, nn.GroupNorm, nn.LayerNorm), _count_norm),
    ((nn.Upsample,), _count_output),
)


def _rule(layer: nn.Module) -> Callable[[Any, Tensor, Tensor], float] | None:
    return next((rule for kinds, rule in _RULES if isinstance(layer, kinds)), None)


def _watch(layer: nn.Module, counts: dict[nn.Module, float]) -> Any:
    rule = _rule(layer)
    assert rule is not None

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        counts[module] = counts.get(module, 0) + int(rule(module, inputs[0], output))

    return layer.register_forward_hook(hook)


def _write_table(
    model: nn.Module, counts: dict[nn.Module, float], ost: TextIO, flush: bool
) -> None:
    total = sum(counts.values()) or 1
    for name, module in model.named_modules():
        flops = sum(counts.get(m, 0) for m in module.modules())
        params = sum(p.numel() for p in module.parameters() if p.requires_grad)
        label = f"{name or type(module).__name__} ({type(module).__name__})"
        cells = f"{params_to_string(params, 'M', 3)}, {flops_to_string(flops, precision=3)}"
        print(f"{label}: {cells}, {flops / total:.3%}", file=ost, flush=flush)
