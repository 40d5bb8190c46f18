"""DeepLabV3+ head: separable ASPP and a skip connection (Chen et al., 2018, arXiv:1802.02611)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmseg.models.decode_heads.aspp_head import ASPPHead, ASPPModule
from mmseg.registry import MODELS, ModelConfigError


class DepthwiseSeparableASPPModule(ASPPModule):
    """``ASPPModule`` whose dilated convolutions are depthwise separable."""

    def _branch(self, dilation: int) -> nn.Module:
        if dilation == 1:
            return super()._branch(dilation)
        return DepthwiseSeparableConvModule(
            self.in_channels,
            self.channels,
            3,
            dilation=dilation,
            padding=dilation,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )


@MODELS.register_module()
class DepthwiseSeparableASPPHead(ASPPHead):
    """ASPP on a coarse map, refined with the backbone's first map.

    Args:
        c1_in_channels: of the first map; 0 leaves it out.
        c1_channels: that it is reduced to.
        kwargs: of :class:`ASPPHead`.
    """

    def __init__(self, c1_in_channels: int, c1_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if c1_in_channels < 0:
            raise ModelConfigError(f"c1_in_channels must be >= 0, but is {c1_in_channels}")
        self.c1_bottleneck: ConvModule | None = None
        if c1_in_channels > 0:
            self.c1_bottleneck = ConvModule(
                c1_in_channels,
                c1_channels,
                1,
                conv_cfg=self.conv_cfg,
                norm_cfg=self.norm_cfg,
                act_cfg=self.act_cfg,
            )
        self.sep_bottleneck = nn.Sequential(
            self._separable(self.channels + c1_channels), self._separable(self.channels)
        )

    def _aspp_modules(self, **convs: Any) -> ASPPModule:
        return DepthwiseSeparableASPPModule(
            self.dilations, self.in_channels, self.channels, **convs
        )

    def _separable(self, in_channels: int) -> DepthwiseSeparableConvModule:
        return DepthwiseSeparableConvModule(
            in_channels,
            self.channels,
            3,
            padding=1,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W), of the first map's size if it is used."""
        feats = self._forward_feature(inputs)
        if self.c1_bottleneck is not None:
            first = self.c1_bottleneck(inputs[0].to(feats.dtype))
            feats = torch.cat([self._resize(feats, first.shape[2:]), first], dim=1)
        return self.cls_seg(self.sep_bottleneck(feats))
