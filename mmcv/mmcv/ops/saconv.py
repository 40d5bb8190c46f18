"""Switchable atrous convolution (DetectoRS, Qiao et al., 2020, arXiv:2006.02334)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.conv_ws import ConvAWS2d
from mmcv.cnn.weight_init import constant_init
from mmcv.ops.deform_conv import deform_conv2d
from mmcv.registry import MODELS


@MODELS.register_module(name="SAC")
class SAConv2d(ConvAWS2d):
    """Blends a convolution and one of three times the dilation by a learnt switch per pixel.

    The second kernel is the first plus ``weight_diff``. Before and behind, a global context is
    added. ``bias`` exists, for checkpoints, and is not used, as in 1.x.

    Args:
        use_deform: deformable convolutions with predicted offsets (3x3 kernels).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        use_deform: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.use_deform = use_deform
        self.switch = nn.Conv2d(in_channels, 1, kernel_size=1, stride=stride)
        self.weight_diff = nn.Parameter(torch.zeros_like(self.weight))
        self.pre_context = nn.Conv2d(in_channels, in_channels, kernel_size=1)
        self.post_context = nn.Conv2d(out_channels, out_channels, kernel_size=1)
        self.offset_s = self.offset_l = None
        if use_deform:
            self.offset_s = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)
            self.offset_l = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)
        self.init_weights()

    def init_weights(self) -> None:
        """Starts as a plain convolution: the switch is on, contexts and offsets are zero."""
        constant_init(self.switch, 0, bias=1)
        nn.init.zeros_(self.weight_diff)
        for layer in (self.pre_context, self.post_context, self.offset_s, self.offset_l):
            if layer is not None:
                constant_init(layer, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Convolves ``x`` (B, C, H, W), H and W at least 3."""
        x = x + self.pre_context(F.adaptive_avg_pool2d(x, 1))
        around = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, stride=1)
        switch = self.switch(around)
        weight = self._get_weight(self.weight)
        small = self._convolve(x, weight, around, self.offset_s, 1)
        large = self._convolve(x, weight + self.weight_diff, around, self.offset_l, 3)
        out = switch * small + (1 - switch) * large
        return out + self.post_context(F.adaptive_avg_pool2d(out, 1))

    def _convolve(
        self, x: Tensor, weight: Tensor, around: Tensor, offset: nn.Module | None, factor: int
    ) -> Tensor:
        padding, dilation = (
            tuple(factor * int(n) for n in pair) for pair in (self.padding, self.dilation)
        )
        if offset is not None:
            moved = offset(around)
            return deform_conv2d(x, moved, weight, self.stride, padding, dilation, self.groups)
        return F.conv2d(x, weight, None, self.stride, padding, dilation, self.groups)
