"""Padding layers by name: zero, reflect, replicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.cnn.conv import split_type
from mmcv.registry import MODELS

MODELS.register_module("zero", module=nn.ZeroPad2d)
MODELS.register_module("reflect", module=nn.ReflectionPad2d)
MODELS.register_module("replicate", module=nn.ReplicationPad2d)


def build_padding_layer(cfg: Mapping[str, Any], *args: Any, **kwargs: Any) -> nn.Module:
    """Builds a padding layer from ``dict(type='reflect')`` and the amount of padding."""
    kind, options = split_type(cfg)
    return MODELS.get(kind)(*args, **kwargs, **options)
