"""Convolutions, each followed by doubling the size of the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from mmcv.cnn import ConvModule
from mmcv.model import BaseModule, InitCfg, ModuleList
from mmdet.registry import ModelConfigError


class ConvUpsample(BaseModule):
    """3x3 convolutions; behind the first ``num_upsample`` of them the map is resized by 2.

    Args:
        in_channels: of the map.
        inner_channels: of every result.
        num_layers: number of convolutions.
        num_upsample: how many are followed by resizing; None: all.
        conv_cfg: convolutions.
        norm_cfg: norms.
        init_cfg: see ``BaseModule``.
        kwargs: of ``ConvModule``.
    """

    def __init__(
        self,
        in_channels: int,
        inner_channels: int,
        num_layers: int = 1,
        num_upsample: int | None = None,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        init_cfg: InitCfg = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        self.num_layers = num_layers
        self.num_upsample = num_layers if num_upsample is None else num_upsample
        if self.num_upsample > num_layers:
            raise ModelConfigError(
                f"num_upsample({num_upsample}) must be no more than num_layers({num_layers})"
            )
        options: dict[str, Any] = dict(padding=1, conv_cfg=conv_cfg, norm_cfg=norm_cfg, **kwargs)
        widths = [in_channels] + [inner_channels] * (num_layers - 1)
        self.conv = ModuleList([ConvModule(c, inner_channels, 3, **options) for c in widths])

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) to (B, inner_channels, H * 2^n, W * 2^n)."""
        for index, conv in enumerate(self.conv):
            x = conv(x)
            if index < self.num_upsample:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return x
