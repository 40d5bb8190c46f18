"""Dtypes of heads and losses, and zeros that keep the graph.

Heads compute in the dtype of their parameters; boxes, targets, losses and suppression in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.config import Config, ConfigDict


def to_weight_dtype(x: Any, module: nn.Module) -> Any:
    """Returns a map, or a sequence of maps as a tuple, in the dtype of the module's parameters."""
    parameter = next(module.parameters(), None)
    if parameter is None:
        return x
    if isinstance(x, Tensor):
        return x.to(parameter.dtype)
    return tuple(level.to(parameter.dtype) for level in x)


def at_least_fp32(x: Any) -> Any:
    """Returns half-precision tensors, also within lists and tuples, as float32."""
    if isinstance(x, Tensor):
        return x.to(torch.promote_types(x.dtype, torch.float32)) if x.is_floating_point() else x
    if isinstance(x, (list, tuple)):
        return type(x)(at_least_fp32(item) for item in x)
    return x


def zero_loss(x: Tensor) -> Tensor:
    """Returns 0, which gives ``x`` a gradient of zeros even where ``x`` is not finite.

    Parameters without a gradient would stop distributed training, which waits for all of them.
    """
    return x.flatten()[:0].sum()


def as_config(cfg: Mapping[str, Any] | None) -> Any:
    """Returns a section such as ``train_cfg`` with its keys as attributes."""
    return cfg if cfg is None or isinstance(cfg, (Config, ConfigDict)) else ConfigDict(cfg)
