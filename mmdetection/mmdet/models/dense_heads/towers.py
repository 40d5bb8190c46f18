"""The stacks of 3x3 convolutions before the predictions of one-stage heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule

Cfg = Mapping[str, Any]


def conv_tower(
    in_channels: int,
    channels: int,
    num_convs: int,
    *,
    conv_cfg: Cfg | None = None,
    norm_cfg: Cfg | None = None,
    bias: bool | str = "auto",
    last_conv_cfg: Cfg | None = None,
) -> nn.ModuleList:
    """Builds convolutions with norm and ReLU.

    Args:
        in_channels: of the map.
        channels: of every result.
        num_convs: how many.
        conv_cfg: convolutions.
        norm_cfg: norms.
        bias: of the convolutions; "auto": where there is no norm.
        last_conv_cfg: instead of ``conv_cfg`` for the last one.
    """
    tower = nn.ModuleList()
    for index in range(num_convs):
        is_last = index == num_convs - 1
        tower.append(
            ConvModule(
                in_channels if index == 0 else channels,
                channels,
                3,
                padding=1,
                conv_cfg=last_conv_cfg if is_last and last_conv_cfg else conv_cfg,
                norm_cfg=norm_cfg,
                bias=bias,
            )
        )
    return tower


def run_tower(tower: nn.ModuleList, x: Tensor) -> Tensor:
    """Maps (B, in_channels, H, W) to (B, channels, H, W)."""
    for conv in tower:
        x = conv(x)
    return x


def small_normal(name: str) -> dict[str, Any]:
    """Returns the ``init_cfg`` of one-stage heads.

    Args:
        name: the layer of the logits: at the start objects shall have a probability of 0.01, or
            the many background positions would dominate the first losses (arXiv:1708.02002, 3.3).
    """
    classes = dict(type="Normal", name=name, std=0.01, bias_prob=0.01)
    return dict(type="Normal", layer="Conv2d", std=0.01, override=classes)
