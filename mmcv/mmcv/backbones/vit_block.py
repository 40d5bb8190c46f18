"""The block of plain ViTs (Dosovitskiy et al., 2020, arXiv:2010.11929), in two checkpoint layouts.

Legend: B batch, N tokens, C channels, H W token grid.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.backbones.intern_vit_block import dropout
from mmcv.cnn.drop import DropPath
from mmops.norm import LayerNorm2d

NormLayer = Callable[[int], nn.Module]
LAYER_NORM: NormLayer = partial(nn.LayerNorm, eps=1e-6)


class ViTBlock(nn.Module):
    """Pre-norm attention and MLP, each with an optional layer scale and drop path.

    Args:
        dim: C.
        attn: maps tokens and their grid to tokens.
        mlp: maps tokens.
        norm_layer: makes the norms.
        drop: dropout behind the attention.
        drop_path: probability that a sample skips a branch.
        init_values: initial layer scale; None leaves it out.
        gamma_names: keys of the layer scales.
        residual: a module behind the block, on maps (B, C, H, W).
    """

    def __init__(
        self,
        dim: int,
        attn: nn.Module,
        mlp: nn.Module,
        *,
        norm_layer: NormLayer = LAYER_NORM,
        drop: float = 0.0,
        drop_path: float = 0.0,
        init_values: float | None = None,
        gamma_names: tuple[str, str] = ("gamma1", "gamma2"),
        residual: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn
        self.drop = dropout(drop)
        self.drop_path = DropPath(drop_path)
        self.norm2 = norm_layer(dim)
        self.mlp = mlp
        self.residual = residual
        self.gamma_names = gamma_names
        for name in gamma_names:
            gamma = None
            if init_values is not None:
                gamma = nn.Parameter(torch.full((dim,), float(init_values)))
            self.register_parameter(name, gamma)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """Maps tokens (B, N, C) of a grid (H, W)."""
        branch = self.drop(self.attn(self.norm1(x), grid))
        x = x + self.drop_path(self._scale(branch, self.gamma_names[0]))
        x = x + self.drop_path(self._scale(self.mlp(self.norm2(x)), self.gamma_names[1]))
        if self.residual is None:
            return x
        image = self.residual(x.transpose(1, 2).unflatten(2, grid))
        return image.flatten(2).transpose(1, 2)

    def _scale(self, branch: Tensor, name: str) -> Tensor:
        gamma = getattr(self, name)
        return branch if gamma is None else gamma * branch


class ResidualBottleneck(nn.Module):
    """Three convolutions (1x1, 3x3, 1x1) beside a shortcut; starts as the identity (ViTDet)."""

    def __init__(self, dim: int, act_layer: Callable[[], nn.Module] = nn.GELU) -> None:
        super().__init__()
        hidden = dim // 2
        self.conv1 = nn.Conv2d(dim, hidden, 1, bias=False)
        self.norm1 = LayerNorm2d(hidden)
        self.act1 = act_layer()
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1, bias=False)
        self.norm2 = LayerNorm2d(hidden)
        self.act2 = act_layer()
        self.conv3 = nn.Conv2d(hidden, dim, 1, bias=False)
        self.norm3 = LayerNorm2d(dim)
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.norm3.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W)."""
        out: Any = self.act1(self.norm1(self.conv1(x)))
        out = self.act2(self.norm2(self.conv2(out)))
        return x + self.norm3(self.conv3(out))
