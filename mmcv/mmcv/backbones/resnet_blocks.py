"""The residual blocks of ResNet (He et al., 2015, arXiv:1512.03385)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.norm import build_norm_layer
from mmcv.cnn.plugin import build_plugin_layer
from mmcv.model import BaseModule, InitCfg, Sequential
from mmcv.registry import ConfigError

Cfg = Mapping[str, Any]
BN: Cfg = dict(type="BN")
POSITIONS = ("after_conv1", "after_conv2", "after_conv3")


class BasicBlock(BaseModule):
    """Two 3x3 convolutions: the block of ResNet-18 and 34.

    Args:
        inplanes: channels of the input.
        planes: channels of the output.
        stride: of the first convolution.
        dilation: of the first convolution.
        downsample: what the residual connection goes through.
        style: accepted for symmetry with ``Bottleneck``.
        with_cp: recompute the block in the backward pass.
        conv_cfg: convolutions.
        norm_cfg: norms.
        dcn: not supported by this block.
        plugins: not supported by this block.
        init_cfg: see ``BaseModule``.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg = BN,
        dcn: Cfg | None = None,
        plugins: Sequence[Cfg] | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        if dcn is not None or plugins:
            raise ConfigError("dcn and plugins need a ResNet of depth 50 or more")
        self.norm1_name, norm1 = build_norm_layer(norm_cfg, planes, postfix=1)
        self.norm2_name, norm2 = build_norm_layer(norm_cfg, planes, postfix=2)
        self.conv1 = build_conv_layer(
            conv_cfg,
            inplanes,
            planes,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.add_module(self.norm1_name, norm1)
        self.conv2 = build_conv_layer(conv_cfg, planes, planes, 3, padding=1, bias=False)
        self.add_module(self.norm2_name, norm2)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride
        self.dilation = dilation
        self.with_cp = with_cp

    @property
    def norm1(self) -> nn.Module:
        """The norm after the first convolution."""
        return getattr(self, self.norm1_name)

    @property
    def norm2(self) -> nn.Module:
        """The norm after the second convolution."""
        return getattr(self, self.norm2_name)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, inplanes, H, W) to (B, planes, H / stride, W / stride)."""
        return self.relu(_run(self._residual, x, self.with_cp))

    def _residual(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return out + (x if self.downsample is None else self.downsample(x))


class Bottleneck(BaseModule):
    """1x1, 3x3 and 1x1 convolution: the block of ResNet-50 and deeper.

    Args:
        inplanes: channels of the input.
        planes: a quarter of the channels of the output.
        stride: of the 3x3 convolution ("pytorch") or the first 1x1 convolution ("caffe").
        dilation: of the 3x3 convolution.
        downsample: what the residual connection goes through.
        style: "pytorch" or "caffe".
        with_cp: recompute the block in the backward pass.
        conv_cfg: convolutions.
        norm_cfg: norms.
        dcn: the 3x3 convolution, such as ``dict(type='DCNv2', deform_groups=1)``.
        plugins: ``dict(cfg=dict(type=…), position='after_conv2')``, any number.
        init_cfg: see ``BaseModule``.
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg = BN,
        dcn: Cfg | None = None,
        plugins: Sequence[Cfg] | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        if style not in ("pytorch", "caffe"):
            raise ConfigError(f"style must be 'pytorch' or 'caffe', but got {style!r}")
        self.inplanes = inplanes
        self.planes = planes
        self.stride = stride
        self.dilation = dilation
        self.style = style
        self.with_cp = with_cp
        self.conv1_stride, self.conv2_stride = (1, stride) if style == "pytorch" else (stride, 1)
        width = planes * self.expansion
        self.norm1_name, norm1 = build_norm_layer(norm_cfg, planes, postfix=1)
        self.norm2_name, norm2 = build_norm_layer(norm_cfg, planes, postfix=2)
        self.norm3_name, norm3 = build_norm_layer(norm_cfg, width, postfix=3)
        self.conv1 = build_conv_layer(
            conv_cfg, inplanes, planes, 1, stride=self.conv1_stride, bias=False
        )
        self.add_module(self.norm1_name, norm1)
        deformable = dict(dcn or {})
        plain = deformable.pop("fallback_on_stride", False) or dcn is None
        self.conv2 = build_conv_layer(
            conv_cfg if plain else deformable,
            planes,
            planes,
            3,
            stride=self.conv2_stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.add_module(self.norm2_name, norm2)
        self.conv3 = build_conv_layer(conv_cfg, planes, width, 1, bias=False)
        self.add_module(self.norm3_name, norm3)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        widths = dict(zip(POSITIONS, (planes, planes, width), strict=True))
        self.plugin_names = {
            position: self._add_plugins(plugins or (), position, channels)
            for position, channels in widths.items()
        }

    def _add_plugins(self, plugins: Sequence[Cfg], position: str, channels: int) -> list[str]:
        names = []
        for plugin in plugins:
            if plugin["position"] not in POSITIONS:
                raise ConfigError(
                    f"plugins: position must be one of {POSITIONS}, got {plugin['position']!r}"
                )
            if plugin["position"] != position:
                continue
            cfg = dict(plugin["cfg"])
            postfix = cfg.pop("postfix", "")
            name, layer = build_plugin_layer(cfg, postfix=postfix, in_channels=channels)
            if name in self._modules:
                raise ConfigError(f"plugins: two are called {name!r}; give one a postfix")
            self.add_module(name, layer)
            names.append(name)
        return names

    @property
    def norm1(self) -> nn.Module:
        """The norm after the first convolution."""
        return getattr(self, self.norm1_name)

    @property
    def norm2(self) -> nn.Module:
        """The norm after the second convolution."""
        return getattr(self, self.norm2_name)

    @property
    def norm3(self) -> nn.Module:
        """The norm after the third convolution."""
        return getattr(self, self.norm3_name)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, inplanes, H, W) to (B, 4 * planes, H / stride, W / stride)."""
        return self.relu(_run(self._residual, x, self.with_cp))

    def _residual(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self._plug("after_conv1", out)
        out = self.relu(self.norm2(self.conv2(out)))
        out = self._plug("after_conv2", out)
        out = self.norm3(self.conv3(out))
        out = self._plug("after_conv3", out)
        return out + (x if self.downsample is None else self.downsample(x))

    def _plug(self, position: str, x: Tensor) -> Tensor:
        for name in self.plugin_names[position]:
            x = getattr(self, name)(x)
        return x


def _run(function: Callable[[Tensor], Tensor], x: Tensor, with_cp: bool) -> Tensor:
    if with_cp and torch.is_grad_enabled() and x.requires_grad:
        output: Any = checkpoint(function, x, use_reentrant=False)
        return output
    return function(x)


class ResLayer(Sequential):
    """One stage: blocks of which only the first changes resolution and width.

    Args:
        block: ``BasicBlock`` or ``Bottleneck``.
        inplanes: channels of the input.
        planes: width of the blocks.
        num_blocks: how many.
        stride: of the first block.
        dilation: of the blocks.
        avg_down: average-pool before the 1x1 convolution of the residual connection.
        conv_cfg: convolutions.
        norm_cfg: norms.
        multi_grid: dilations of the blocks; None means ``dilation``.
        contract_dilation: half the dilation in the first block.
        kwargs: further arguments of the blocks.
    """

    def __init__(
        self,
        block: Any,
        inplanes: int,
        planes: int,
        num_blocks: int,
        stride: int = 1,
        dilation: int = 1,
        avg_down: bool = False,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg = BN,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        **kwargs: Any,
    ) -> None:
        width = planes * block.expansion
        downsample = None
        if stride != 1 or inplanes != width:
            pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
            conv_stride = 1 if avg_down else stride
            downsample = nn.Sequential(
                *([pool] if avg_down else []),
                build_conv_layer(conv_cfg, inplanes, width, 1, stride=conv_stride, bias=False),
                build_norm_layer(norm_cfg, width)[1],
            )
        first = dilation // 2 if dilation > 1 and contract_dilation else dilation
        dilations = multi_grid or [first] + [dilation] * (num_blocks - 1)
        blocks = [
            block(
                inplanes if i == 0 else width,
                planes,
                stride=stride if i == 0 else 1,
                dilation=dilations[i],
                downsample=downsample if i == 0 else None,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
                **kwargs,
            )
            for i in range(num_blocks)
        ]
        super().__init__(*blocks)
