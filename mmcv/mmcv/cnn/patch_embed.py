"""Images to tokens, and tokens to a quarter as many: with padding to whole patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.norm import build_norm_layer
from mmcv.model import BaseModule, InitCfg
from mmcv.registry import ModelConfigError

Pair = int | tuple[int, int]
Cfg = Mapping[str, Any]


class AdaptivePadding(nn.Module):
    """Pads so that a kernel of this stride covers the whole input.

    Args:
        kernel_size: size of the kernel.
        stride: its stride.
        dilation: its dilation.
        padding: "corner" pads right and bottom, "same" all around.
    """

    def __init__(
        self, kernel_size: Pair = 1, stride: Pair = 1, dilation: Pair = 1, padding: str = "corner"
    ) -> None:
        super().__init__()
        if padding not in ("same", "corner"):
            raise ModelConfigError(f"padding must be 'same' or 'corner', but got {padding!r}")
        self.padding = padding
        self.kernel_size = _pair(kernel_size)
        self.stride = _pair(stride)
        self.dilation = _pair(dilation)

    def get_pad_shape(self, input_shape: tuple[int, int]) -> tuple[int, int]:
        """Returns by how much height and width of an input have to grow."""
        pads = []
        for axis, size in enumerate(input_shape):
            span = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
            wanted = (math.ceil(size / self.stride[axis]) - 1) * self.stride[axis] + span
            pads.append(max(wanted - size, 0))
        return pads[0], pads[1]

    def forward(self, x: Tensor) -> Tensor:
        """Pads ``x`` (B, C, H, W) with zeros."""
        pad_h, pad_w = self.get_pad_shape((x.shape[-2], x.shape[-1]))
        if not (pad_h or pad_w):
            return x
        if self.padding == "corner":
            return F.pad(x, [0, pad_w, 0, pad_h])
        top, left = pad_h // 2, pad_w // 2
        return F.pad(x, [left, pad_w - left, top, pad_h - top])


class PatchEmbed(BaseModule):
    """A strided convolution whose output is flattened to tokens; keys ``projection``, ``norm``.

    Args:
        in_channels: channels of the image.
        embed_dims: channels of a token.
        conv_type: name of the convolution.
        kernel_size: of the patch.
        stride: distance of the patches; None means ``kernel_size``.
        padding: "corner", "same" or numbers.
        dilation: of the convolution.
        bias: of the convolution.
        norm_cfg: norm of the tokens.
        input_size: if given, ``init_out_size`` is the number of tokens it leads to.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int = 3,
        embed_dims: int = 768,
        conv_type: str = "Conv2d",
        kernel_size: Pair = 16,
        stride: Pair | None = 16,
        padding: Pair | str = "corner",
        dilation: Pair = 1,
        bias: bool = True,
        norm_cfg: Cfg | None = None,
        input_size: Pair | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims
        stride = kernel_size if stride is None else stride
        self.adap_padding, pad = _split_padding(kernel_size, stride, dilation, padding)
        self.projection = build_conv_layer(
            dict(type=conv_type),
            in_channels,
            embed_dims,
            kernel_size=_pair(kernel_size),
            stride=_pair(stride),
            padding=pad,
            dilation=_pair(dilation),
            bias=bias,
        )
        self.norm = build_norm_layer(norm_cfg, embed_dims)[1] if norm_cfg is not None else None
        self.init_input_size = _pair(input_size) if input_size else None
        self.init_out_size = self._out_size(self.init_input_size) if self.init_input_size else None

    def _out_size(self, size: tuple[int, int]) -> tuple[int, int]:
        extra = self.adap_padding.get_pad_shape(size) if self.adap_padding else (0, 0)
        padded = (size[0] + extra[0], size[1] + extra[1])
        conv = self.projection
        return _windows(padded, conv.kernel_size, conv.stride, conv.padding, conv.dilation)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Maps ``x`` (B, C, H, W) to tokens (B, N, embed_dims) and their grid's (H', W')."""
        if self.adap_padding:
            x = self.adap_padding(x)
        x = self.projection(x)
        out_size = (x.shape[2], x.shape[3])
        x = x.flatten(2).transpose(1, 2)
        return (x if self.norm is None else self.norm(x)), out_size


class PatchMerging(BaseModule):
    """Joins the channels of neighbouring tokens (Swin's downsampling) by ``nn.Unfold``.

    Channels come in Unfold's order (channel, then position), not in that of Swin's own code.

    Args:
        in_channels: channels of a token.
        out_channels: channels afterwards.
        kernel_size: how many tokens are joined in each direction.
        stride: distance of the groups; None means ``kernel_size``.
        padding: "corner", "same" or numbers.
        dilation: spacing of the joined tokens.
        bias: of the linear layer.
        norm_cfg: norm before the linear layer.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair = 2,
        stride: Pair | None = None,
        padding: Pair | str = "corner",
        dilation: Pair = 1,
        bias: bool = False,
        norm_cfg: Cfg | None = dict(type="LN"),  # noqa: B006  # read only
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = out_channels
        stride = stride or kernel_size
        self.adap_padding, pad = _split_padding(kernel_size, stride, dilation, padding)
        kernel = _pair(kernel_size)
        self.sampler = nn.Unfold(
            kernel, dilation=_pair(dilation), padding=pad, stride=_pair(stride)
        )
        width = kernel[0] * kernel[1] * in_channels
        self.norm = build_norm_layer(norm_cfg, width)[1] if norm_cfg is not None else None
        self.reduction = nn.Linear(width, out_channels, bias=bias)

    def forward(self, x: Tensor, input_size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """Maps tokens (B, H*W, C) with ``input_size`` (H, W) to fewer, and their grid's size."""
        height, width = input_size
        if x.shape[1] != height * width:
            raise ValueError(f"{x.shape[1]} tokens do not make a grid of {height} x {width}")
        x = x.transpose(1, 2).unflatten(2, (height, width))
        if self.adap_padding:
            x = self.adap_padding(x)
        s = self.sampler
        out_size = _windows(
            (x.shape[2], x.shape[3]), s.kernel_size, s.stride, s.padding, s.dilation
        )
        x = self.sampler(x).transpose(1, 2)
        x = x if self.norm is None else self.norm(x)
        return self.reduction(x), out_size


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _split_padding(
    kernel_size: Pair, stride: Pair, dilation: Pair, padding: Pair | str
) -> tuple[AdaptivePadding | None, tuple[int, int]]:
    """Returns the padding layer, if any, and what the convolution itself pads."""
    if isinstance(padding, str):
        return AdaptivePadding(kernel_size, stride, dilation, padding), (0, 0)
    return None, _pair(padding)


def _windows(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[int, int]:
    """Returns how many positions a kernel takes in each direction."""
    counts = [
        (size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in range(2)
    ]
    return counts[0], counts[1]
