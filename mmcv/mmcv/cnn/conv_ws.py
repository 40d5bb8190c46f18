"""Convolutions with standardised weights (Qiao et al., 2019, arXiv:1903.10520)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.registry import MODELS


def standardize(weight: Tensor, eps: float) -> Tensor:
    """Gives every output channel of ``weight`` (O, I, kh, kw) mean 0 and deviation 1."""
    flat = weight.flatten(1)
    mean = flat.mean(1).view(-1, 1, 1, 1)
    std = flat.std(1).view(-1, 1, 1, 1)
    return (weight - mean) / (std + eps)


@MODELS.register_module(name="ConvWS")
class ConvWS2d(nn.Conv2d):
    """Conv2d that standardises its weight in every call; ``eps`` is added to the deviation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        """Convolves ``input`` (B, in_channels, H, W)."""
        return self._conv_forward(input, standardize(self.weight, self.eps), self.bias)


@MODELS.register_module(name="ConvAWS")
class ConvAWS2d(nn.Conv2d):
    """Conv2d whose standardised weight is scaled and shifted by fixed numbers (DetectoRS).

    Checkpoints without the buffers ``weight_gamma`` and ``weight_beta`` give them: the deviation
    and the mean of the loaded weight, so that a plain convolution's weights keep their meaning.
    """

    weight_gamma: Tensor
    weight_beta: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.register_buffer("weight_gamma", torch.ones(out_channels, 1, 1, 1))
        self.register_buffer("weight_beta", torch.zeros(out_channels, 1, 1, 1))

    def _get_weight(self, weight: Tensor) -> Tensor:
        flat = weight.flatten(1)
        mean = flat.mean(1).view(-1, 1, 1, 1)
        std = (flat.var(1) + 1e-5).sqrt().view(-1, 1, 1, 1)
        return self.weight_gamma * ((weight - mean) / std) + self.weight_beta

    def forward(self, input: Tensor) -> Tensor:
        """Convolves ``input`` (B, in_channels, H, W)."""
        weight = self._get_weight(self.weight)
        return F.conv2d(
            input, weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )  # type: ignore[arg-type]

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        self.weight_gamma.fill_(-1)
        super()._load_from_state_dict(state_dict, prefix, *args)
        if self.weight_gamma.mean() > 0:
            return
        flat = self.weight.detach().flatten(1)
        self.weight_beta.copy_(flat.mean(1).view(-1, 1, 1, 1))
        self.weight_gamma.copy_((flat.var(1) + 1e-5).sqrt().view(-1, 1, 1, 1))
        # What was filled in does not count as missing.
        missing = args[2]
        for name in ("weight_gamma", "weight_beta"):
            if prefix + name in missing:
                missing.remove(prefix + name)
