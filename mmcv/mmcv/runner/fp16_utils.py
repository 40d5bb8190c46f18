"""1.x's decorators for mixed precision: regions of a model in fp16, others in fp32.

They act on modules whose ``fp16_enabled`` is True, which ``wrap_fp16_model`` sets; others run as if
they were not decorated.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def cast_tensor_type(inputs: Any, src_type: Any = None, dst_type: Any = None) -> Any:
    """Casts the tensors in nested lists, tuples and dicts.

    Args:
        inputs: tensors, containers, or anything else, which is returned as it is.
        src_type: only tensors of this dtype (or on this device) are cast; None: all.
        dst_type: dtype or device.
    """
    assert dst_type is not None
    if isinstance(inputs, Tensor):
        current = inputs.device if isinstance(dst_type, torch.device) else inputs.dtype
        return inputs.to(dst_type) if src_type in (None, current) else inputs
    if isinstance(inputs, (nn.Module, str, np.ndarray)):
        return inputs
    if isinstance(inputs, Mapping):
        cast = {key: cast_tensor_type(value, src_type, dst_type) for key, value in inputs.items()}
        return type(inputs)(cast)  # type: ignore[call-arg]
    if isinstance(inputs, tuple) and hasattr(inputs, "_fields"):
        return type(inputs)(*(cast_tensor_type(item, src_type, dst_type) for item in inputs))
    if isinstance(inputs, Iterable):
        cast_items = (cast_tensor_type(item, src_type, dst_type) for item in inputs)
        return type(inputs)(cast_items)  # type: ignore[call-arg]
    return inputs


def auto_fp16(
    apply_to: Iterable[str] | None = None,
    out_fp32: bool = False,
    supported_types: tuple[type, ...] = (nn.Module,),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a method that is to run in fp16.

    Args:
        apply_to: arguments whose fp32 tensors are cast; None: all.
        out_fp32: cast what it returns back.
        supported_types: classes whose methods may be decorated.
    """
    out = (torch.half, torch.float) if out_fp32 else None
    name = "auto_fp16"
    return _casting(name, apply_to, (torch.float, torch.half), out, supported_types)


def force_fp32(
    apply_to: Iterable[str] | None = None, out_fp16: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a method that must not run in fp16, such as a loss.

    Args:
        apply_to: arguments whose fp16 tensors are cast; None: all.
        out_fp16: cast what it returns back.
    """
    out = (torch.float, torch.half) if out_fp16 else None
    return _casting("force_fp32", apply_to, (torch.half, torch.float), out, (nn.Module,))


def wrap_fp16_model(model: nn.Module) -> None:
    """Sets ``fp16_enabled`` of every module that has it."""
    for module in model.modules():
        if hasattr(module, "fp16_enabled"):
            setattr(module, "fp16_enabled", True)  # noqa: B010


def _casting(
    name: str,
    apply_to: Iterable[str] | None,
    cast_in: tuple[torch.dtype, torch.dtype],
    cast_out: tuple[torch.dtype, torch.dtype] | None,
    supported_types: tuple[type, ...],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    wanted = None if apply_to is None else frozenset(apply_to)

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        names = inspect.getfullargspec(method).args

        def cast(argument: str, value: Any) -> Any:
            is_meant = argument in (names if wanted is None else wanted)
            return cast_tensor_type(value, *cast_in) if is_meant else value

        @functools.wraps(method)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not isinstance(args[0], supported_types):
                kinds = ", ".join(kind.__name__ for kind in supported_types)
                raise TypeError(f"@{name} can only decorate methods of {kinds}")
            if not getattr(args[0], "fp16_enabled", False):
                return method(*args, **kwargs)
            # Arguments beyond the named ones are taken by *args: nobody can name them.
            positional = [cast(n, v) for n, v in zip(names, args, strict=False)]
            positional += args[len(names) :]
            named = {key: cast(key, value) for key, value in kwargs.items()}
            device = "cuda" if torch.cuda.is_available() else "cpu"
            is_half = cast_in[1] is torch.half
            with torch.autocast(device, dtype=torch.half, enabled=is_half):
                output = method(*positional, **named)
            return output if cast_out is None else cast_tensor_type(output, *cast_out)

        return wrapper

    return decorate
