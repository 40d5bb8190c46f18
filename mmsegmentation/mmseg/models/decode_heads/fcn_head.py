"""Fully convolutional head (Long et al., 2014, arXiv:1411.4038); without convolutions, linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS, ModelConfigError


@MODELS.register_module()
class FCNHead(BaseDecodeHead):
    """A few convolutions, then the classifier.

    Args:
        num_convs: number of convolutions; 0 makes the head linear.
        kernel_size: of these.
        concat_input: concatenate the input to their output, with one more convolution behind.
        dilation: of these.
        with_norm: a batch norm over all ranks before the classifier, as linear probing has it.
        kwargs: of :class:`BaseDecodeHead`.
    """

    def __init__(
        self,
        num_convs: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
        with_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        if num_convs < 0 or not isinstance(dilation, int) or dilation < 1:
            raise ModelConfigError(
                f"num_convs must be >= 0 and dilation >= 1, but are {num_convs} and {dilation}"
            )
        self.num_convs = num_convs
        self.concat_input = concat_input
        self.kernel_size = kernel_size
        super().__init__(**kwargs)
        if num_convs == 0 and self.in_channels != self.channels:
            raise ModelConfigError(
                "with num_convs=0 channels must be in_channels, but they are"
                f" {self.channels} and {self.in_channels}"
            )
        convs = [
            self._conv(self.channels if i else self.in_channels, dilation) for i in range(num_convs)
        ]
        self.convs = nn.Sequential(*convs) if convs else nn.Identity()
        if concat_input:
            self.conv_cat = self._conv(self.in_channels + self.channels, dilation=1)
        self.norm: nn.Module = nn.Identity()
        if with_norm:
            self.norm = build_norm_layer({"type": "SyncBN"}, self.channels)[1]

    def _conv(self, in_channels: int, dilation: int) -> ConvModule:
        return ConvModule(
            in_channels,
            self.channels,
            kernel_size=self.kernel_size,
            padding=(self.kernel_size // 2) * dilation,
            dilation=dilation,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W) before norm and classifier."""
        x = self._transform_inputs(inputs)
        feats = self.convs(x)
        if self.concat_input:
            feats = self.conv_cat(torch.cat([x, feats], dim=1))
        return feats

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of the map at ``in_index``."""
        return self.cls_seg(self.norm(self._forward_feature(inputs)))
