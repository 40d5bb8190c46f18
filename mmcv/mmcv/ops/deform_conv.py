"""Deformable convolutions v1 and v2 (arXiv:1703.06211, 1811.11168) over torchvision's kernel."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmcv.registry import MODELS


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    deform_groups: int = 1,
    bias: bool = False,
    im2col_step: int = 32,
) -> Tensor:
    """Convolves at shifted positions.

    Args:
        input: (B, C, H, W).
        offset: (B, 2·deform_groups·kh·kw, H', W') y, x of each tap.
        weight: (O, C / groups, kh, kw).
        stride: as in ``F.conv2d``, like padding and dilation.
        padding: zeros around the input.
        dilation: distance of taps.
        groups: follow from the shapes, like deform_groups.
        deform_groups: number of offset fields.
        bias: must be False, as in 1.x.
        im2col_step: accepted for compatibility.

    Returns:
        (B, O, H', W').
    """
    assert not bias, "Only support bias is False."
    return _convolve(input, offset, weight, None, stride, padding, dilation, None)


def modulated_deform_conv2d(
    input: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """Convolves at shifted positions; ``mask`` (B, deform_groups·kh·kw, H', W') scales each tap."""
    return _convolve(input, offset, weight, bias, stride, padding, dilation, mask)


def _convolve(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    mask: Tensor | None,
) -> Tensor:
    from torchvision.ops import deform_conv2d as torchvision_deform_conv2d

    return torchvision_deform_conv2d(
        input,
        offset.to(input.dtype),
        weight.to(input.dtype),
        None if bias is None else bias.to(input.dtype),
        _pair(stride),
        _pair(padding),
        _pair(dilation),
        None if mask is None else mask.to(input.dtype),
    )


class _DeformConv(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise AssertionError(
                f"in_channels {in_channels} and out_channels {out_channels} must be divisible by"
                f" groups {groups}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _pair(kernel_size)
        self.stride = _pair(stride)
        self.padding = _pair(padding)
        self.dilation = _pair(dilation)
        self.groups = groups
        self.deform_groups = deform_groups
        self.transposed, self.output_padding = False, (0, 0)  # what convolutions have: 1.x reads it
        self.weight = nn.Parameter(
            torch.empty(out_channels, in_channels // groups, *self.kernel_size)
        )
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def _taps(self) -> int:
        return self.deform_groups * math.prod(self.kernel_size)

    def _offset_conv(self, channels: int) -> nn.Conv2d:
        """Returns the convolution that predicts offsets; it starts with none."""
        conv = nn.Conv2d(
            self.in_channels, channels, self.kernel_size, self.stride, self.padding, self.dilation
        )
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        return conv


class DeformConv2d(_DeformConv):
    """Deformable convolution v1; the offsets are given; ``im2col_step`` has no effect here."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = False,
        im2col_step: int = 32,
    ) -> None:
        assert not bias, "bias=True is not supported in DeformConv2d."
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, deform_groups
        )
        self.im2col_step = im2col_step
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the kernels, as He et al. (2015) advise before ReLU."""
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        """Convolves ``x`` (B, C, H, W) at shifted positions; see :func:`deform_conv2d`."""
        # An input smaller than the kernel is padded, and the output cropped back.
        sides = zip(x.shape[2:], self.kernel_size, strict=True)
        short = [max(kernel - side, 0) for side, kernel in sides]
        if any(short):
            pad = (0, short[1], 0, short[0])
            x, offset = F.pad(x, pad).contiguous(), F.pad(offset, pad).contiguous()
        out = deform_conv2d(x, offset, self.weight, self.stride, self.padding, self.dilation)
        return out[..., : out.shape[2] - short[0], : out.shape[3] - short[1]].contiguous()


@MODELS.register_module("DCN")
class DeformConv2dPack(DeformConv2d):
    """Deformable convolution v1 that predicts its offsets (``conv_offset``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conv_offset = self._offset_conv(2 * self._taps())

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Convolves ``x`` (B, C, H, W)."""
        return super().forward(x, self.conv_offset(x))


class ModulatedDeformConv2d(_DeformConv):
    """Deformable convolution v2; offsets and mask are given."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            deform_groups,
            bias,
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Draws the kernels uniformly from ± 1 / sqrt(fan-in); the bias is zero."""
        bound = 1.0 / math.sqrt(self.in_channels * math.prod(self.kernel_size))
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """Convolves ``x`` (B, C, H, W); see :func:`modulated_deform_conv2d`."""
        return modulated_deform_conv2d(
            x, offset, mask, self.weight, self.bias, self.stride, self.padding, self.dilation
        )


@MODELS.register_module("DCNv2")
class ModulatedDeformConv2dPack(ModulatedDeformConv2d):
    """Deformable convolution v2 that predicts offsets and mask (``conv_offset``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conv_offset = self._offset_conv(3 * self._taps())
        self.init_weights()  # a second draw, as in 1.x: seeded runs start equal

    def init_weights(self) -> None:
        """Draws the kernels; the predicted offsets start at zero."""
        super().init_weights()
        offset = getattr(self, "conv_offset", None)  # not there yet in the constructor
        if offset is not None:
            nn.init.zeros_(offset.weight)
            nn.init.zeros_(offset.bias)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Convolves ``x`` (B, C, H, W)."""
        first, second, mask = self.conv_offset(x).chunk(3, dim=1)
        return super().forward(x, torch.cat([first, second], 1), mask.sigmoid())
