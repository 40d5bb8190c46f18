"""Convolution, norm and activation in one module: the brick of most heads and necks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from mmcv.cnn.activation import build_activation_layer
from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.norm import build_norm_layer
from mmcv.cnn.padding import build_padding_layer
from mmcv.cnn.weight_init import constant_init, kaiming_init
from mmcv.registry import MODELS

Cfg = Mapping[str, Any]

# Padding that convolutions do themselves; other modes get a layer of their own.
OWN_PADDING_MODES = ("zeros", "circular")
# What 1.x code reads from the module as if it was the convolution.
CONV_ATTRIBUTES = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "dilation",
    "transposed",
    "output_padding",
    "groups",
)
NOT_INPLACE = ("Tanh", "PReLU", "Sigmoid", "HSigmoid", "Swish", "GELU")


@MODELS.register_module()
class ConvModule(nn.Module):
    """A convolution with optional norm and activation.

    State-dict keys: ``conv.*`` and the norm under its abbreviation, such as ``bn.*``.

    Args:
        in_channels: as in ``nn.Conv2d``, like all arguments up to ``groups``.
        out_channels: channels of the output.
        kernel_size: size of the kernel.
        stride: stride of the convolution.
        padding: padding on each side.
        dilation: spacing of the kernel.
        groups: groups of channels.
        bias: "auto" gives the convolution a bias if there is no norm.
        conv_cfg: convolution; None means Conv2d.
        norm_cfg: norm; None means none.
        act_cfg: activation; None means none.
        inplace: whether the activation works in place, where it can.
        with_spectral_norm: normalise the kernel by its spectral norm.
        padding_mode: "zeros" or "circular", or the name of a padding layer such as "reflect".
        order: the order of the three.
    """

    _abbr_ = "conv_block"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool | str = "auto",
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        act_cfg: Cfg | None = dict(type="ReLU"),  # noqa: B006  # read only
        inplace: bool = True,
        with_spectral_norm: bool = False,
        padding_mode: str = "zeros",
        order: tuple[str, ...] = ("conv", "norm", "act"),
    ) -> None:
        super().__init__()
        _check_layer_cfgs(conv_cfg=conv_cfg, norm_cfg=norm_cfg, act_cfg=act_cfg)
        if sorted(order) != ["act", "conv", "norm"]:
            raise ValueError(f"order must contain 'conv', 'norm' and 'act' once, but got {order}")
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        self.inplace = inplace
        self.with_spectral_norm = with_spectral_norm
        self.with_explicit_padding = padding_mode not in OWN_PADDING_MODES
        self.order: tuple[str, ...] = tuple(order)
        self.with_norm = norm_cfg is not None
        self.with_activation = act_cfg is not None
        self.with_bias = not self.with_norm if bias == "auto" else bool(bias)

        if self.with_explicit_padding:
            self.padding_layer = build_padding_layer(dict(type=padding_mode), padding)
            mode: dict[str, Any] = {}
        else:
            # Custom convolutions need not know the argument: it is passed only where it matters.
            mode = {} if padding_mode == "zeros" else {"padding_mode": padding_mode}
        self.conv = build_conv_layer(
            conv_cfg,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=0 if self.with_explicit_padding else padding,
            dilation=dilation,
            groups=groups,
            bias=self.with_bias,
            **mode,
        )
        for name in CONV_ATTRIBUTES:
            setattr(self, name, getattr(self.conv, name))
        self.padding = padding
        if with_spectral_norm:
            self.conv = nn.utils.spectral_norm(self.conv)
        self.norm_name: str | None = None
        if norm_cfg is not None:
            self._add_norm(norm_cfg, in_channels, out_channels)
        if act_cfg is not None:
            act_cfg = dict(act_cfg)
            if act_cfg["type"] not in NOT_INPLACE:
                act_cfg.setdefault("inplace", inplace)
            self.activate = build_activation_layer(act_cfg)
        self.init_weights()

    def _add_norm(self, norm_cfg: Cfg, in_channels: int, out_channels: int) -> None:
        comes_after = self.order.index("norm") > self.order.index("conv")
        self.norm_name, norm = build_norm_layer(
            norm_cfg, out_channels if comes_after else in_channels
        )
        self.add_module(self.norm_name, norm)
        if self.with_bias and isinstance(norm, (_BatchNorm, _InstanceNorm)):
            warnings.warn("Unnecessary conv bias before batch/instance norm", stacklevel=3)

    @property
    def norm(self) -> nn.Module | None:
        """The norm layer, or None."""
        return getattr(self, self.norm_name) if self.norm_name else None

    def init_weights(self) -> None:
        """Initialises the convolution after He, unless it has ``init_weights`` of its own."""
        if not hasattr(self.conv, "init_weights"):
            a, nonlinearity = 0.0, "relu"
            if self.act_cfg is not None and self.act_cfg["type"] == "LeakyReLU":
                a, nonlinearity = self.act_cfg.get("negative_slope", 0.01), "leaky_relu"
            kaiming_init(self.conv, a=a, nonlinearity=nonlinearity)
        if self.norm is not None:
            constant_init(self.norm, 1, bias=0)

    def forward(self, x: Tensor, activate: bool = True, norm: bool = True) -> Tensor:
        """Maps ``x`` (B, in_channels, H, W); activation and norm can be left out of this call."""
        for layer in self.order:
            if layer == "conv":
                if self.with_explicit_padding:
                    x = self.padding_layer(x)
                x = self.conv(x)
            elif layer == "norm" and norm and self.norm is not None:
                x = self.norm(x)
            elif layer == "act" and activate and self.with_activation:
                x = self.activate(x)
        return x


def _check_layer_cfgs(**cfgs: Any) -> None:
    for name, cfg in cfgs.items():
        if not (cfg is None or isinstance(cfg, Mapping)):
            raise TypeError(f"{name} must be a dict or None, but got {type(cfg)}")
