"""Depthwise separable convolution (Howard et al., 2017, arXiv:1704.04861)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.cnn.conv_module import ConvModule

Cfg = Mapping[str, Any] | None | str


class DepthwiseSeparableConvModule(nn.Module):
    """One convolution per channel, then a 1x1 convolution; each with norm and activation.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the depthwise convolution, like stride, padding and dilation.
        stride: stride of the convolution.
        padding: padding on each side.
        dilation: spacing of the kernel.
        norm_cfg: norm of both.
        act_cfg: activation of both.
        dw_norm_cfg: norm of the depthwise part; "default" means ``norm_cfg``.
        dw_act_cfg: its activation.
        pw_norm_cfg: norm of the 1x1 part.
        pw_act_cfg: its activation.
        kwargs: further arguments of both ``ConvModule``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        norm_cfg: Cfg = None,
        act_cfg: Cfg = dict(type="ReLU"),  # noqa: B006  # read only
        dw_norm_cfg: Cfg = "default",
        dw_act_cfg: Cfg = "default",
        pw_norm_cfg: Cfg = "default",
        pw_act_cfg: Cfg = "default",
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if "groups" in kwargs:
            raise ValueError("groups should not be specified: it is the number of input channels")

        def pick(own: Cfg, shared: Cfg) -> Any:
            return shared if own == "default" else own

        self.depthwise_conv = ConvModule(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=in_channels,
            norm_cfg=pick(dw_norm_cfg, norm_cfg),
            act_cfg=pick(dw_act_cfg, act_cfg),
            **kwargs,
        )
        self.pointwise_conv = ConvModule(
            in_channels,
            out_channels,
            1,
            norm_cfg=pick(pw_norm_cfg, norm_cfg),
            act_cfg=pick(pw_act_cfg, act_cfg),
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``x`` (B, in_channels, H, W)."""
        return self.pointwise_conv(self.depthwise_conv(x))
