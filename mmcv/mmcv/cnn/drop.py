"""Dropout of values, and of whole residual branches (Huang et al., 2016, arXiv:1603.09382)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.registry import MODELS, build_from_cfg


def drop_path(x: Tensor, drop_prob: float = 0.0, training: bool = False) -> Tensor:
    """Zeroes whole samples with probability ``drop_prob`` and scales the others up.

    Args:
        x: (B, ...); one draw for each of the B samples, in the dtype of ``x``.
        drop_prob: in [0, 1).
        training: without it ``x`` is returned.
    """
    if drop_prob == 0.0 or not training:
        return x
    keep = 1 - drop_prob
    mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
    return x * mask.div_(keep)


def add_kept(x: Tensor, branch: Callable[[Tensor], Tensor], drop_prob: float) -> Tensor:
    """Returns ``x + drop_path(branch(x), drop_prob, True)``, computed for the kept samples only.

    The draws are made on the host, where their number is needed, and are those of ``drop_path``
    on a CPU. If no sample is kept, ``branch`` runs on none: its parameters get zero gradients, so
    that no rank waits for one that has none.

    Args:
        x: (B, ...).
        branch: treats samples independently of each other.
        drop_prob: in [0, 1).
    """
    keep = 1 - drop_prob
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    mask = torch.empty(shape, dtype=x.dtype, device="cpu").bernoulli_(keep)
    scale = float(torch.ones((), dtype=x.dtype, device="cpu").div_(keep))
    kept = mask.flatten().nonzero().flatten()
    if len(kept) == len(x):
        return x + branch(x) * scale
    kept = kept.to(x.device, non_blocking=True)
    return x.index_add(0, kept, branch(x.index_select(0, kept)) * scale)


@MODELS.register_module()
class DropPath(nn.Module):
    """Drops the residual branch of whole samples; the draws are those of timm's DropPath."""

    def __init__(self, drop_prob: float = 0.1) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """Drops samples of ``x`` (B, ...) while training."""
        return drop_path(x, self.drop_prob, self.training)

    def extra_repr(self) -> str:
        """Names the probability."""
        return f"drop_prob={self.drop_prob:.3f}"


@MODELS.register_module()
class Dropout(nn.Dropout):
    """``nn.Dropout`` with the argument name of ``DropPath``."""

    def __init__(self, drop_prob: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p=drop_prob, inplace=inplace)


def build_dropout(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """Builds ``Dropout`` or ``DropPath`` from ``dict(type=…, drop_prob=…)``."""
    return build_from_cfg(cfg, MODELS, default_args)
