"""Multi-level aggregation head of SETR (Zheng et al., 2020, arXiv:2012.15840)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import Upsample
from mmseg.registry import MODELS, ModelConfigError


@MODELS.register_module()
class SETRMLAHead(BaseDecodeHead):
    """Two convolutions and upsampling for each map, then the classifier over all.

    Args:
        mla_channels: of each branch; with the number of maps they make ``channels``.
        up_scale: factor of the upsampling.
        kwargs: of :class:`BaseDecodeHead`; ``in_channels`` and ``in_index`` are lists.
    """

    def __init__(self, mla_channels: int = 128, up_scale: float = 4, **kwargs: Any) -> None:
        super().__init__(input_transform="multiple_select", **kwargs)
        if mla_channels * len(self.in_channels) != self.channels:
            raise ModelConfigError(
                f"channels must be mla_channels x maps = {mla_channels} x {len(self.in_channels)},"
                f" but is {self.channels}"
            )
        self.mla_channels = mla_channels
        self.up_convs = nn.ModuleList(
            [
                nn.Sequential(
                    self._conv(channels),
                    self._conv(mla_channels),
                    Upsample(
                        scale_factor=up_scale, mode="bilinear", align_corners=self.align_corners
                    ),
                )
                for channels in self.in_channels
            ]
        )

    def _conv(self, in_channels: int) -> ConvModule:
        return ConvModule(
            in_channels,
            self.mla_channels,
            3,
            padding=1,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of maps of one size, enlarged."""
        maps = self._transform_inputs(inputs)
        outs = [up_conv(x) for up_conv, x in zip(self.up_convs, maps, strict=True)]
        return self.cls_seg(torch.cat(outs, dim=1))
