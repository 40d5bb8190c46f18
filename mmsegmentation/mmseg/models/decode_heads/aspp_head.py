"""DeepLabV3 head: dilated convolutions side by side (Chen et al., 2017, arXiv:1706.05587)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS

Cfg = Mapping[str, Any]


class ASPPModule(nn.ModuleList):
    """One convolution for each dilation; dilation 1 has a 1x1 kernel, the others 3x3.

    Args:
        dilations: of the convolutions.
        in_channels: of the map.
        channels: of each result.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
    """

    def __init__(
        self,
        dilations: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Cfg | None,
        norm_cfg: Cfg | None,
        act_cfg: Cfg | None,
    ) -> None:
        super().__init__()
        self.dilations = dilations
        self.in_channels = in_channels
        self.channels = channels
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        for dilation in dilations:
            self.append(self._branch(dilation))

    def _branch(self, dilation: int) -> nn.Module:
        is_point = dilation == 1
        return ConvModule(
            self.in_channels,
            self.channels,
            1 if is_point else 3,
            dilation=dilation,
            padding=0 if is_point else dilation,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns one (B, channels, H, W) for each dilation."""
        return [branch(x) for branch in self]


@MODELS.register_module()
class ASPPHead(BaseDecodeHead):
    """Atrous spatial pyramid pooling over one map.

    Args:
        dilations: of the convolutions.
        kwargs: of :class:`BaseDecodeHead`.
    """

    def __init__(self, dilations: Sequence[int] = (1, 6, 12, 18), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dilations = dilations
        convs: dict[str, Any] = {
            "conv_cfg": self.conv_cfg,
            "norm_cfg": self.norm_cfg,
            "act_cfg": self.act_cfg,
        }
        self.image_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), ConvModule(self.in_channels, self.channels, 1, **convs)
        )
        self.aspp_modules = self._aspp_modules(**convs)
        self.bottleneck = ConvModule(
            (len(dilations) + 1) * self.channels, self.channels, 3, padding=1, **convs
        )

    def _aspp_modules(self, **convs: Any) -> ASPPModule:
        return ASPPModule(self.dilations, self.in_channels, self.channels, **convs)

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W) before the classifier."""
        x = self._transform_inputs(inputs)
        pooled = self._resize(self.image_pool(x), x.shape[2:])
        return self.bottleneck(torch.cat([pooled, *self.aspp_modules(x)], dim=1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of the map at ``in_index``."""
        return self.cls_seg(self._forward_feature(inputs))
