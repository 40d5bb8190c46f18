"""Pyramid pooling (Zhao et al., 2016, arXiv:1612.01105)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import resize
from mmseg.registry import MODELS, ModelConfigError


class PPM(nn.ModuleList):
    """Pools a map to several sizes and spreads each back over it.

    Args:
        pool_scales: the sizes.
        in_channels: of the map.
        channels: of each result.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
        align_corners: of the resize.
        kwargs: of the convolutions.
    """

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Mapping[str, Any] | None,
        norm_cfg: Mapping[str, Any] | None,
        act_cfg: Mapping[str, Any] | None,
        align_corners: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.pool_scales = pool_scales
        self.align_corners = align_corners
        self.in_channels = in_channels
        self.channels = channels
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        for scale in pool_scales:
            conv = ConvModule(
                in_channels,
                channels,
                1,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
                act_cfg=act_cfg,
                **kwargs,
            )
            self.append(nn.Sequential(nn.AdaptiveAvgPool2d(scale), conv))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns one (B, channels, H, W) for each scale of ``x`` (B, in_channels, H, W)."""
        size = x.shape[2:]
        return [
            resize(ppm(x), size=size, mode="bilinear", align_corners=self.align_corners)
            for ppm in self
        ]


@MODELS.register_module()
class PSPHead(BaseDecodeHead):
    """Pyramid pooling over one map.

    Args:
        pool_scales: sizes to pool to.
        kwargs: of :class:`BaseDecodeHead`.
    """

    def __init__(self, pool_scales: Sequence[int] = (1, 2, 3, 6), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(pool_scales, (list, tuple)):
            raise ModelConfigError(f"pool_scales must be a list or tuple, but is {pool_scales}")
        self.pool_scales = pool_scales
        convs: dict[str, Any] = {
            "conv_cfg": self.conv_cfg,
            "norm_cfg": self.norm_cfg,
            "act_cfg": self.act_cfg,
        }
        self.psp_modules = PPM(
            pool_scales,
            self.in_channels,
            self.channels,
            align_corners=self.align_corners,
            **convs,
        )
        self.bottleneck = ConvModule(
            self.in_channels + len(pool_scales) * self.channels,
            self.channels,
            3,
            padding=1,
            **convs,
        )

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W) before the classifier."""
        x = self._transform_inputs(inputs)
        return self.bottleneck(torch.cat([x, *self.psp_modules(x)], dim=1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of the map at ``in_index``."""
        return self.cls_seg(self._forward_feature(inputs))
