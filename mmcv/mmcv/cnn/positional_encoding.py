"""Position encodings of DETR-like models: sines of the position, or learned rows and columns."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.model import BaseModule, InitCfg
from mmcv.registry import MODELS, ConfigError


@MODELS.register_module()
class SinePositionalEncoding(BaseModule):
    """Sines and cosines of the position (Carion et al., 2020, arXiv:2005.12872).

    Args:
        num_feats: channels for each of y and x; the encoding has twice as many.
        temperature: base of the wavelengths.
        normalize: scale positions so that the last one is ``scale``.
        scale: see ``normalize``.
        eps: added to the size when normalising.
        offset: added to positions when normalising.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        num_feats: int,
        temperature: float = 10000,
        normalize: bool = False,
        scale: float = 2 * math.pi,
        eps: float = 1e-6,
        offset: float = 0.0,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        if normalize and not isinstance(scale, (float, int)):
            raise ConfigError(f"scale must be a number, but got {scale!r}")
        self.num_feats = num_feats
        self.temperature = temperature
        self.normalize = normalize
        self.scale = scale
        self.eps = eps
        self.offset = offset

    def forward(self, mask: Tensor) -> Tensor:
        """Returns (B, 2 * num_feats, H, W) for ``mask`` (B, H, W), nonzero where padding is."""
        inside = 1 - mask.to(torch.int)
        y = inside.cumsum(1, dtype=torch.float32)
        x = inside.cumsum(2, dtype=torch.float32)
        if self.normalize:
            y = (y + self.offset) / (y[:, -1:, :] + self.eps) * self.scale
            x = (x + self.offset) / (x[:, :, -1:] + self.eps) * self.scale
        index = torch.arange(self.num_feats, dtype=torch.float32, device=mask.device)
        wavelength = self.temperature ** (2 * (index // 2) / self.num_feats)
        parts = [self._waves(position[..., None] / wavelength) for position in (y, x)]
        return torch.cat(parts, dim=3).permute(0, 3, 1, 2)

    @staticmethod
    def _waves(angle: Tensor) -> Tensor:
        """Sines of the even channels and cosines of the odd ones, interleaved."""
        return torch.stack((angle[..., 0::2].sin(), angle[..., 1::2].cos()), dim=4).flatten(3)

    def extra_repr(self) -> str:
        """Names the settings."""
        names = ("num_feats", "temperature", "normalize", "scale", "eps")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


@MODELS.register_module()
class LearnedPositionalEncoding(BaseModule):
    """One learned vector for each column and each row.

    Args:
        num_feats: channels for each of x and y; the encoding has twice as many.
        row_num_embed: rows at most.
        col_num_embed: columns at most.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        num_feats: int,
        row_num_embed: int = 50,
        col_num_embed: int = 50,
        init_cfg: Any = dict(type="Uniform", layer="Embedding"),  # noqa: B006  # read only
    ) -> None:
        super().__init__(init_cfg)
        self.row_embed = nn.Embedding(row_num_embed, num_feats)
        self.col_embed = nn.Embedding(col_num_embed, num_feats)
        self.num_feats = num_feats
        self.row_num_embed = row_num_embed
        self.col_num_embed = col_num_embed

    def forward(self, mask: Tensor) -> Tensor:
        """Returns (B, 2 * num_feats, H, W) for ``mask`` (B, H, W)."""
        height, width = mask.shape[-2:]
        x = self.col_embed(torch.arange(width, device=mask.device))
        y = self.row_embed(torch.arange(height, device=mask.device))
        grid = torch.cat([x.expand(height, -1, -1), y[:, None].expand(-1, width, -1)], dim=-1)
        return grid.permute(2, 0, 1).expand(mask.shape[0], -1, -1, -1)

    def extra_repr(self) -> str:
        """Names the settings."""
        names = ("num_feats", "row_num_embed", "col_num_embed")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)
