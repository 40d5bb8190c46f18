"""Rescales maps of one size to several (SETR and ViT with UPerNet)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule, xavier_init
from mmcv.model import BaseModule
from mmseg.ops import resize
from mmseg.registry import MODELS


@MODELS.register_module()
class MultiLevelNeck(BaseModule):
    """A 1x1 convolution, a resize and a 3x3 convolution for each level.

    Args:
        in_channels: of the maps; a single map is used for all levels.
        out_channels: of the results.
        scales: factor of each level.
        norm_cfg: norms.
        act_cfg: activations.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        scales: Sequence[float] = (0.5, 1, 2, 4),
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        assert isinstance(in_channels, (list, tuple))
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.scales = scales
        self.num_outs = len(scales)
        convs: dict[str, Any] = {"norm_cfg": norm_cfg, "act_cfg": act_cfg}
        self.lateral_convs = nn.ModuleList(
            [ConvModule(channels, out_channels, 1, **convs) for channels in in_channels]
        )
        self.convs = nn.ModuleList(
            [ConvModule(out_channels, out_channels, 3, padding=1, **convs) for _ in scales]
        )

    def init_weights(self) -> None:
        """Initialises all convolutions after Glorot."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                xavier_init(module, distribution="uniform")

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns one (B, out_channels, H * scale, W * scale) for each scale."""
        assert len(inputs) == len(self.in_channels)
        dtype = next(self.parameters()).dtype
        maps = [conv(x.to(dtype)) for conv, x in zip(self.lateral_convs, inputs, strict=True)]
        maps = maps * self.num_outs if len(maps) == 1 else maps
        return tuple(
            conv(resize(x, scale_factor=scale, mode="bilinear"))
            for conv, x, scale in zip(self.convs, maps[: self.num_outs], self.scales, strict=True)
        )
