"""Bias, leaky ReLU and a scale (StyleGAN2, arXiv:1912.04958)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fused_bias_leakyrelu(
    input: Tensor, bias: Tensor, negative_slope: float = 0.2, scale: float = 2**0.5
) -> Tensor:
    """Computes ``leaky_relu(input + bias) * scale``; ``bias`` (C,) belongs to axis 1."""
    bias = bias.view(1, -1, *[1] * (input.dim() - 2)) if bias.dim() == 1 else bias
    return F.leaky_relu(input + bias, negative_slope) * scale


class FusedBiasLeakyReLU(nn.Module):
    """:func:`fused_bias_leakyrelu` with a learnt bias, zero at first."""

    def __init__(
        self, num_channels: int, negative_slope: float = 0.2, scale: float = 2**0.5
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.negative_slope = negative_slope
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        """Maps (N, C, ...) to the same shape."""
        return fused_bias_leakyrelu(input, self.bias, self.negative_slope, self.scale)
