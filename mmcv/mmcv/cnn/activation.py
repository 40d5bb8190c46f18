"""Activations by name: ``act_cfg=dict(type='ReLU')``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.registry import MODELS, build_from_cfg

for _activation in (
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ReLU6,
    nn.ELU,
    nn.Sigmoid,
    nn.Tanh,
    nn.GELU,
    nn.SiLU,
):
    MODELS.register_module(module=_activation)
MODELS.register_module("HSwish", module=nn.Hardswish)

GELU = nn.GELU
SiLU = nn.SiLU


@MODELS.register_module(name=["Clamp", "Clip"])
class Clamp(nn.Module):
    """Cuts values to [min, max]."""

    def __init__(self, min: float = -1.0, max: float = 1.0) -> None:
        super().__init__()
        self.min = min
        self.max = max

    def forward(self, x: Tensor) -> Tensor:
        """Cuts ``x``, of any shape."""
        return torch.clamp(x, min=self.min, max=self.max)


Clip = Clamp


@MODELS.register_module()
class Swish(nn.Module):
    """``x * sigmoid(x)`` (Ramachandran et al., 2017)."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies the function to each value."""
        return F.silu(x)


@MODELS.register_module()
class HSigmoid(nn.Module):
    """Piecewise linear sigmoid: ``(x + bias) / divisor`` cut to [min_value, max_value].

    By default that of MobileNetV3 (Howard et al., 2019); before mmcv 1.4.4 the defaults were
    ``bias=1, divisor=2``.
    """

    def __init__(
        self,
        bias: float = 3.0,
        divisor: float = 6.0,
        min_value: float = 0.0,
        max_value: float = 1.0,
    ) -> None:
        super().__init__()
        if divisor == 0:
            raise ValueError("HSigmoid: divisor must not be 0")
        self.bias = bias
        self.divisor = divisor
        self.min_value = min_value
        self.max_value = max_value

    def forward(self, x: Tensor) -> Tensor:
        """Applies the function to each value."""
        return ((x + self.bias) / self.divisor).clamp(self.min_value, self.max_value)


class HSwish(nn.Module):
    """``x * relu6(x + 3) / 6`` (Howard et al., 2019)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """Applies the function to each value."""
        return F.hardswish(x, self.inplace)


def build_activation_layer(cfg: Mapping[str, Any]) -> nn.Module:
    """Builds an activation from ``dict(type=…, …)``."""
    return build_from_cfg(cfg, MODELS)
