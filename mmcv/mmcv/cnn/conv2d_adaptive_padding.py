"""Conv2d with TensorFlow's "same" padding: output size = ceil(input size / stride)."""

from __future__ import annotations

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.registry import MODELS


@MODELS.register_module()
class Conv2dAdaptivePadding(nn.Conv2d):
    """Pads by as much as the input needs; the argument ``padding`` is ignored."""

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
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) to (B, out_channels, ceil(H / stride), ceil(W / stride))."""
        pads: list[int] = []
        for size, kernel, stride, dilation in zip(
            x.shape[-2:], self.kernel_size, self.stride, self.dilation, strict=True
        ):
            wanted = math.ceil(size / stride)
            pad = max((wanted - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
            pads = [pad // 2, pad - pad // 2, *pads]  # F.pad takes the last axis first
        if any(pads):
            x = F.pad(x, pads)
        return super().forward(x)
