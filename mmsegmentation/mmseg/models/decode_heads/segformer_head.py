"""SegFormer's head: one linear layer per map, then one over all (arXiv:2105.15203)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import resize
from mmseg.registry import MODELS


@MODELS.register_module()
class SegformerHead(BaseDecodeHead):
    """All-MLP head over several maps.

    Args:
        interpolate_mode: how maps are brought to the first one's size.
        kwargs: of :class:`BaseDecodeHead`; ``in_channels`` and ``in_index`` are lists.
    """

    def __init__(self, interpolate_mode: str = "bilinear", **kwargs: Any) -> None:
        super().__init__(input_transform="multiple_select", **kwargs)
        self.interpolate_mode = interpolate_mode
        self.convs = nn.ModuleList([self._conv(channels) for channels in self.in_channels])
        self.fusion_conv = ConvModule(
            self.channels * len(self.in_channels), self.channels, 1, norm_cfg=self.norm_cfg
        )

    def _conv(self, in_channels: int) -> ConvModule:
        return ConvModule(
            in_channels, self.channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W), of the first map's size."""
        maps = self._transform_inputs(inputs)
        align = None if self.interpolate_mode == "nearest" else self.align_corners
        outs = [
            resize(conv(x), maps[0].shape[2:], mode=self.interpolate_mode, align_corners=align)
            for conv, x in zip(self.convs, maps, strict=True)
        ]
        return self.cls_seg(self.fusion_conv(torch.cat(outs, dim=1)))
