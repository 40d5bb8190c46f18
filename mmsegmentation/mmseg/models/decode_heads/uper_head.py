"""UPerNet: pyramid pooling on the coarsest map, then a feature pyramid (arXiv:1807.10221)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.psp_head import PPM
from mmseg.registry import MODELS


@MODELS.register_module()
class UPerHead(BaseDecodeHead):
    """Combines several maps, finest first.

    Args:
        pool_scales: sizes that the coarsest map is pooled to.
        kwargs: of :class:`BaseDecodeHead`; ``in_channels`` and ``in_index`` are lists.
    """

    def __init__(self, pool_scales: Sequence[int] = (1, 2, 3, 6), **kwargs: Any) -> None:
        super().__init__(input_transform="multiple_select", **kwargs)
        *finer, coarsest = self.in_channels
        convs: dict[str, Any] = {
            "conv_cfg": self.conv_cfg,
            "norm_cfg": self.norm_cfg,
            "act_cfg": self.act_cfg,
        }
        self.psp_modules = PPM(
            pool_scales, coarsest, self.channels, align_corners=self.align_corners, **convs
        )
        self.bottleneck = ConvModule(
            coarsest + len(pool_scales) * self.channels, self.channels, 3, padding=1, **convs
        )
        # Not in place: the sum of the top-down path would overwrite what backward needs.
        convs["inplace"] = False
        self.lateral_convs = nn.ModuleList(
            [ConvModule(channels, self.channels, 1, **convs) for channels in finer]
        )
        self.fpn_convs = nn.ModuleList(
            [ConvModule(self.channels, self.channels, 3, padding=1, **convs) for _ in finer]
        )
        convs["inplace"] = True
        self.fpn_bottleneck = ConvModule(
            len(self.in_channels) * self.channels, self.channels, 3, padding=1, **convs
        )

    def psp_forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the coarsest of the maps after pyramid pooling, (B, channels, H, W)."""
        x = inputs[-1]
        return self.bottleneck(torch.cat([x, *self.psp_modules(x)], dim=1))

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W), of the finest map's size."""
        maps = self._transform_inputs(inputs)
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, maps, strict=False)]
        laterals.append(self.psp_forward(maps))
        for i in range(len(laterals) - 1, 0, -1):  # top-down: coarse to fine
            below = laterals[i - 1]
            laterals[i - 1] = below + self._resize(laterals[i], below.shape[2:])
        outs = [conv(x) for conv, x in zip(self.fpn_convs, laterals, strict=False)]
        outs.append(laterals[-1])
        size = outs[0].shape[2:]
        return self.fpn_bottleneck(
            torch.cat([outs[0], *(self._resize(x, size) for x in outs[1:])], dim=1)
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W), of the finest map's size."""
        return self.cls_seg(self._forward_feature(inputs))
