"""Channel attention: squeeze and excitation (arXiv:1709.01507), dynamic ReLU (arXiv:2003.10027)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmcv.model import BaseModule, InitCfg
from mmdet.registry import ModelConfigError

Cfg = Mapping[str, Any]


class SELayer(BaseModule):
    """Weighs channels by what the whole map holds.

    Args:
        channels: of the map.
        ratio: by how much the hidden layer is narrower.
        conv_cfg: convolutions.
        act_cfg: activations of the two layers, or one for both.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        channels: int,
        ratio: int = 16,
        conv_cfg: Cfg | None = None,
        act_cfg: Any = (dict(type="ReLU"), dict(type="Sigmoid")),
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        first, second = _two_activations(act_cfg)
        self.global_avgpool = nn.AdaptiveAvgPool2d(1)
        hidden = int(channels / ratio)
        self.conv1 = ConvModule(channels, hidden, 1, conv_cfg=conv_cfg, act_cfg=first)
        self.conv2 = ConvModule(hidden, channels, 1, conv_cfg=conv_cfg, act_cfg=second)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        return x * self.conv2(self.conv1(self.global_avgpool(x)))


class DyReLU(BaseModule):
    """The larger of two lines, whose slopes and offsets follow from the whole map.

    Args:
        channels: of the map.
        ratio: by how much the hidden layer is narrower.
        conv_cfg: convolutions.
        act_cfg: activations of the two layers, or one for both.
        init_cfg: see ``BaseModule``.
    """

    expansion = 4  # two slopes and two offsets

    def __init__(
        self,
        channels: int,
        ratio: int = 4,
        conv_cfg: Cfg | None = None,
        act_cfg: Any = (dict(type="ReLU"), dict(type="HSigmoid", bias=3.0, divisor=6.0)),
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        first, second = _two_activations(act_cfg)
        self.channels = channels
        self.global_avgpool = nn.AdaptiveAvgPool2d(1)
        hidden = int(channels / ratio)
        self.conv1 = ConvModule(channels, hidden, 1, conv_cfg=conv_cfg, act_cfg=first)
        self.conv2 = ConvModule(
            hidden, channels * self.expansion, 1, conv_cfg=conv_cfg, act_cfg=second
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        coefficients = self.conv2(self.conv1(self.global_avgpool(x))) - 0.5
        slope1, offset1, slope2, offset2 = coefficients.split(self.channels, dim=1)
        return torch.maximum(x * (slope1 * 2.0 + 1.0) + offset1, x * (slope2 * 2.0) + offset2)


def _two_activations(act_cfg: Any) -> tuple[Cfg, Cfg]:
    pair = (act_cfg, act_cfg) if isinstance(act_cfg, Mapping) else act_cfg
    is_pair = isinstance(pair, tuple) and len(pair) == 2
    if not is_pair or not all(isinstance(cfg, Mapping) for cfg in pair):
        raise ModelConfigError(f"act_cfg must be a dict or a tuple of two dicts, but is {act_cfg}")
    return pair
