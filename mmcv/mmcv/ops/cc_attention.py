"""Criss-cross attention: along the row and the column (Huang et al., 2018, arXiv:1811.11721)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcv.cnn.scale import Scale
from mmcv.registry import MODELS


def NEG_INF_DIAG(n: int, device: torch.device) -> Tensor:  # 1.x's name
    """Returns (n, n) zeros with minus infinity on the diagonal."""
    return torch.diag(torch.full((n,), float("-inf"), device=device))


@MODELS.register_module()
class CrissCrossAttention(nn.Module):
    """Each pixel attends to its row and its column; a learnt factor, 0 at first, adds the result.

    Args:
        in_channels: C; queries and keys have an eighth of it.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.query_conv = nn.Conv2d(in_channels, in_channels // 8, 1)
        self.key_conv = nn.Conv2d(in_channels, in_channels // 8, 1)
        self.value_conv = nn.Conv2d(in_channels, in_channels, 1)
        self.gamma = Scale(0.0)
        self.in_channels = in_channels

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        height = x.shape[2]
        query, key, value = self.query_conv(x), self.key_conv(x), self.value_conv(x)
        # The pixel itself counts once: it is left out of its column.
        column = torch.einsum("bchw,bciw->bhwi", query, key)
        column = column + NEG_INF_DIAG(height, x.device).to(column.dtype)[:, None]
        row = torch.einsum("bchw,bchj->bhwj", query, key)
        weights = torch.cat([column, row], dim=-1).softmax(-1)
        out = torch.einsum("bciw,bhwi->bchw", value, weights[..., :height])
        out = out + torch.einsum("bchj,bhwj->bchw", value, weights[..., height:])
        return (self.gamma(out) + x).contiguous()

    def extra_repr(self) -> str:
        """Names the channels."""
        return f"in_channels={self.in_channels}"
