"""Encoding layer: residuals to learnable code words (Zhang et al., 2017, arXiv:1612.02844)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Encoding(nn.Module):
    """Describes a map by its pixels' distances to code words.

    Args:
        channels: of the input.
        num_codes: number of code words K.
    """

    def __init__(self, channels: int, num_codes: int) -> None:
        super().__init__()
        self.channels = channels
        self.num_codes = num_codes
        std = 1.0 / (num_codes * channels) ** 0.5
        self.codewords = nn.Parameter(torch.empty(num_codes, channels).uniform_(-std, std))
        self.scale = nn.Parameter(torch.empty(num_codes).uniform_(-1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the sums (B, K, C) of assigned residuals of ``x`` (B, C, H, W)."""
        if x.dim() != 4 or x.size(1) != self.channels:
            raise ValueError(f"x must be (B, {self.channels}, H, W), but is {tuple(x.shape)}")
        pixels = x.flatten(2).transpose(1, 2).unsqueeze(2)  # (B, N, 1, C)
        residuals = pixels - self.codewords  # (B, N, K, C)
        assignment = F.softmax(self.scale * residuals.pow(2).sum(3), dim=2)
        return (assignment.unsqueeze(3) * residuals).sum(1)

    def extra_repr(self) -> str:
        """Returns the size in brackets, such as "Nx19x32 =>Nx19x16"."""
        return f"Nx{self.channels}xHxW =>Nx{self.num_codes}x{self.channels}"
