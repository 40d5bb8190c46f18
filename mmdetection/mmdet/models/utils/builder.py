"""Builds transformers and linear layers, under the 1.x names that plug-ins register with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmdet.registry import MODELS, ModelConfigError

TRANSFORMER = LINEAR_LAYERS = MODELS


def build_transformer(cfg: Mapping[str, Any], default_args: Any = None) -> Any:
    """Builds a transformer: an encoder and a decoder."""
    return TRANSFORMER.build(cfg, default_args=default_args)


def build_linear_layer(cfg: Mapping[str, Any] | None, *args: Any, **kwargs: Any) -> nn.Module:
    """Builds a linear layer.

    Args:
        cfg: ``type`` ("Linear", the default, or "NormedLinear") and options of its constructor.
        args: positional arguments of the constructor: numbers of channels.
        kwargs: further arguments of the constructor.
    """
    cfg = dict(type="Linear") if cfg is None else cfg
    if not isinstance(cfg, Mapping):
        raise TypeError(f"cfg must be a dict, but got {type(cfg)}")
    if "type" not in cfg:
        raise ModelConfigError(f'the cfg of a linear layer must contain the key "type": {cfg}')
    options = dict(cfg)
    kind = options.pop("type")
    # mmcv registers no plain nn.Linear: its own wrapper for empty batches is not needed any more.
    layer = nn.Linear if kind == "Linear" else LINEAR_LAYERS.get(kind)
    return layer(*args, **kwargs, **options)
