"""In which dtype parameters are kept; decided once, before the model is handed to a strategy.

Training and ``tools/test.py`` both call :func:`apply_precision`, so that a checkpoint is evaluated
in the dtypes it was trained in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from mmcv.config import Config
from mmcv.registry import ConfigError

HOOK_DTYPES = {"ToBFloat16Hook": torch.bfloat16, "ToFloat16Hook": torch.float16}


def apply_precision(model: nn.Module, cfg: Config | Mapping[str, Any]) -> nn.Module:
    """Casts the parameters to what the config trains in; returns the model.

    With DeepSpeed the dtype of its json holds for all parameters (their fp32 masters are with the
    optimizer). Without, ``ToBFloat16Hook`` or ``ToFloat16Hook`` in ``custom_hooks`` casts the
    backbone, and the heads stay in fp32. Buffers always do: running statistics need the digits.

    Args:
        model: has ``backbone``, if a hook asks for a dtype.
        cfg: the config: ``deepspeed``, ``deepspeed_config``, ``custom_hooks``.
    """
    if cfg.get("deepspeed") is True:
        from mmcv.runner.zero.settings import engine_dtype, read_deepspeed_config

        settings = read_deepspeed_config(cfg.get("deepspeed_config"), cfg)
        return cast_parameters(model, engine_dtype(settings))
    dtype = _backbone_dtype(cfg)
    if dtype is not None:
        cast_parameters(_backbone_of(model), dtype)
    return model


def configured_dtype(cfg: Config | Mapping[str, Any]) -> Callable[[str], torch.dtype | None]:
    """Returns a function from the name of a parameter to the dtype that the config wants for it.

    It returns None where the config leaves the dtype as the model is constructed.
    """
    if cfg.get("deepspeed") is True:
        from mmcv.runner.zero.settings import engine_dtype, read_deepspeed_config

        dtype = engine_dtype(read_deepspeed_config(cfg.get("deepspeed_config"), cfg))
        return lambda name: dtype
    backbone = _backbone_dtype(cfg)
    return lambda name: backbone if name.startswith("backbone.") else None


def cast_parameters(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Casts floating-point parameters in place, buffers not; returns the module."""
    for param in module.parameters():
        if param.is_floating_point():
            param.data = param.data.to(dtype)
    return module


def _backbone_dtype(cfg: Config | Mapping[str, Any]) -> torch.dtype | None:
    hooks = [hook for hook in cfg.get("custom_hooks") or [] if isinstance(hook, Mapping)]
    dtypes = {HOOK_DTYPES[h["type"]] for h in hooks if h.get("type") in HOOK_DTYPES}
    if len(dtypes) > 1:
        raise ConfigError("custom_hooks: ToBFloat16Hook and ToFloat16Hook exclude each other")
    return dtypes.pop() if dtypes else None


def _backbone_of(model: nn.Module) -> nn.Module:
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        raise ConfigError(
            f"custom_hooks: To...Hook casts model.backbone, which {type(model).__name__} lacks"
        )
    return backbone
