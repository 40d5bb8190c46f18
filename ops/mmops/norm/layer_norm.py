"""LayerNorm over the channels of (B, C, H, W) maps, as in ViTDet's simple feature pyramid."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Channels-first LayerNorm in fp32; parameters ``weight`` and ``bias`` (dim,)."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalises every pixel of ``x`` (B, C, H, W) over C; the dtype of ``x`` is kept."""
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = wide.mean(1, keepdim=True)
        variance = (wide - mean).square().mean(1, keepdim=True)
        normalised = (wide - mean) * torch.rsqrt(variance + self.eps)
        weight = self.weight[:, None, None].to(wide.dtype)
        return (normalised * weight + self.bias[:, None, None].to(wide.dtype)).to(x.dtype)
