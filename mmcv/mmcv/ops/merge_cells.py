"""Cells that merge two maps (Auto-FPN, NAS-FPN)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.conv_module import ConvModule

Cfg = Mapping[str, Any]
OUT_CONV: Cfg = dict(groups=1, kernel_size=3, padding=1, bias=True)


class BaseMergeCell(nn.Module):
    """Brings two maps to one size, combines them, and convolves the result.

    Args:
        fused_channels: channels of the combination.
        out_channels: channels of the output, and of the inputs where they are convolved.
        with_out_conv: convolve the combination.
        out_conv_cfg: arguments of that convolution.
        out_norm_cfg: its norm.
        out_conv_order: order of its parts.
        with_input1_conv: convolve the first input.
        with_input2_conv: convolve the second input.
        input_conv_cfg: convolutions of the inputs.
        input_norm_cfg: their norms.
        upsample_mode: "nearest" or "bilinear".
    """

    def __init__(
        self,
        fused_channels: int | None = 256,
        out_channels: int | None = 256,
        with_out_conv: bool = True,
        out_conv_cfg: Cfg = OUT_CONV,
        out_norm_cfg: Cfg | None = None,
        out_conv_order: tuple[str, ...] = ("act", "conv", "norm"),
        with_input1_conv: bool = False,
        with_input2_conv: bool = False,
        input_conv_cfg: Cfg | None = None,
        input_norm_cfg: Cfg | None = None,
        upsample_mode: str = "nearest",
    ) -> None:
        super().__init__()
        if upsample_mode not in ("nearest", "bilinear"):
            raise AssertionError(
                f"upsample_mode must be 'nearest' or 'bilinear', but got {upsample_mode!r}"
            )
        self.with_out_conv = with_out_conv
        self.with_input1_conv = with_input1_conv
        self.with_input2_conv = with_input2_conv
        self.upsample_mode = upsample_mode

        if with_out_conv:
            self.out_conv = ConvModule(
                fused_channels,  # type: ignore[arg-type]
                out_channels,  # type: ignore[arg-type]
                **out_conv_cfg,
                norm_cfg=out_norm_cfg,
                order=out_conv_order,
            )

        def input_conv(is_wanted: bool) -> nn.Module:
            if not is_wanted:
                return nn.Sequential()
            return self._build_input_conv(out_channels, input_conv_cfg, input_norm_cfg)

        self.input1_conv = input_conv(with_input1_conv)
        self.input2_conv = input_conv(with_input2_conv)

    def _build_input_conv(
        self, channel: Any, conv_cfg: Cfg | None, norm_cfg: Cfg | None
    ) -> nn.Module:
        return ConvModule(
            channel, channel, 3, padding=1, conv_cfg=conv_cfg, norm_cfg=norm_cfg, bias=True
        )

    @abstractmethod
    def _binary_op(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Combines two maps of one size."""

    def _resize(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """Interpolates ``x`` up, or pools its maximum down; pads it first to whole windows."""
        height, width = x.shape[-2:]
        if (height, width) == tuple(size):
            return x
        if (height, width) < tuple(size):
            return F.interpolate(x, size=tuple(size), mode=self.upsample_mode)
        pad_h, pad_w = -height % size[0], -width % size[1]
        if pad_h or pad_w:
            x = F.pad(x, (pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
        window = (x.shape[-2] // size[0], x.shape[-1] // size[1])
        return F.max_pool2d(x, kernel_size=window, stride=window)

    def forward(self, x1: Tensor, x2: Tensor, out_size: Sequence[int] | None = None) -> Tensor:
        """Merges maps (B, C, H1, W1) and (B, C, H2, W2); by default the larger size is kept."""
        assert x1.shape[:2] == x2.shape[:2]
        assert out_size is None or len(out_size) == 2
        if out_size is None:  # the larger one
            out_size = max(x1.shape[2:], x2.shape[2:])
        x1 = self._resize(self.input1_conv(x1), out_size)
        x2 = self._resize(self.input2_conv(x2), out_size)
        x = self._binary_op(x1, x2)
        return self.out_conv(x) if self.with_out_conv else x


class SumCell(BaseMergeCell):
    """Adds the maps."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__(in_channels, out_channels, **kwargs)

    def _binary_op(self, x1: Tensor, x2: Tensor) -> Tensor:
        return x1 + x2


class ConcatCell(BaseMergeCell):
    """Concatenates the maps."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__(in_channels * 2, out_channels, **kwargs)

    def _binary_op(self, x1: Tensor, x2: Tensor) -> Tensor:
        return torch.cat([x1, x2], dim=1)


class GlobalPoolingCell(BaseMergeCell):
    """Adds the first map to the second, weighted by a gate from the second's global average."""

    def __init__(
        self, in_channels: int | None = None, out_channels: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        self.global_pool = nn.AdaptiveAvgPool2d((1, 1))

    def _binary_op(self, x1: Tensor, x2: Tensor) -> Tensor:
        return x2 + self.global_pool(x2).sigmoid() * x1
