"""DCNv3 as a layer on channels-last maps; legend as in ``op.py``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmops.dcnv3.op import dcnv3

ACTIVATIONS = {"ReLU": nn.ReLU, "SiLU": nn.SiLU, "GELU": nn.GELU}
NORMS = ("LN", "BN")


class Permute(nn.Module):
    """Permutes dimensions; it has no parameters."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """Returns a view of ``x``."""
        return x.permute(self.order)


class DCNv3(nn.Module):
    """Deformable convolution: offsets and mask come from a depthwise convolution of the input.

    Keys: ``dw_conv.0``, ``dw_conv.1.1`` (LN) or ``dw_conv.1.0`` (BN), ``offset``, ``mask``,
    ``input_proj``, ``output_proj``, and with ``center_feature_scale`` the parameters
    ``center_feature_scale_proj_weight`` and ``_bias``.

    Args:
        channels: G·C.
        kernel_size: of the square kernel.
        dw_kernel_size: of the depthwise convolution; by default ``kernel_size``.
        stride: the offsets have one entry for each *input* pixel, so only 1 fits them.
        pad: zeros on each side.
        dilation: distance of the taps.
        group: G.
        offset_scale: see ``dcnv3``.
        act_layer: "ReLU", "SiLU" or "GELU".
        norm_layer: "LN" or "BN".
        center_feature_scale: blend the projected input in, by a learnt share for each group.

    Raises:
        ValueError: channels that do not divide into groups, or unknown layers.
    """

    backend = "auto"

    def __init__(
        self,
        channels: int = 64,
        kernel_size: int = 3,
        dw_kernel_size: int | None = None,
        stride: int = 1,
        pad: int = 1,
        dilation: int = 1,
        group: int = 4,
        offset_scale: float = 1.0,
        act_layer: str = "GELU",
        norm_layer: str = "LN",
        center_feature_scale: bool = False,
    ) -> None:
        super().__init__()
        if channels % group:
            raise ValueError(f"channels = {channels} is not a multiple of group = {group}")
        self.channels = channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.pad = pad
        self.dilation = dilation
        self.group = group
        self.offset_scale = offset_scale
        self.center_feature_scale = center_feature_scale
        size = kernel_size if dw_kernel_size is None else dw_kernel_size
        self.dw_conv = nn.Sequential(
            nn.Conv2d(channels, channels, size, padding=(size - 1) // 2, groups=channels),
            _make_norm(channels, norm_layer),
            _make_activation(act_layer),
        )
        samples = group * kernel_size * kernel_size
        self.offset = nn.Linear(channels, 2 * samples)
        self.mask = nn.Linear(channels, samples)
        self.input_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        if center_feature_scale:
            self.center_feature_scale_proj_weight = nn.Parameter(torch.zeros(group, channels))
            self.center_feature_scale_proj_bias = nn.Parameter(torch.zeros(group))
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Starts as a plain average over the taps."""
        for layer in (self.offset, self.mask):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for layer in (self.input_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Maps (N, H, W, channels) to the same shape."""
        projected = self.input_proj(input)
        features = self.dw_conv(input.permute(0, 3, 1, 2))
        mask = self.mask(features).unflatten(-1, (self.group, -1)).softmax(-1).flatten(-2)
        x = dcnv3(
            projected,
            self.offset(features),
            mask.to(projected.dtype),
            kernel=(self.kernel_size, self.kernel_size),
            stride=(self.stride, self.stride),
            pad=(self.pad, self.pad),
            dilation=(self.dilation, self.dilation),
            group=self.group,
            offset_scale=self.offset_scale,
            backend=self.backend,
        )
        if self.center_feature_scale:
            share = self._center_share(features)
            x = x * (1 - share) + projected * share
        return self.output_proj(x)

    def _center_share(self, features: Tensor) -> Tensor:
        weight, bias = self.center_feature_scale_proj_weight, self.center_feature_scale_proj_bias
        share = F.linear(features, weight, bias).sigmoid()
        return share.repeat_interleave(self.channels // self.group, dim=-1)


class DCNv3_pytorch(DCNv3):
    """DCNv3 that samples through ``F.grid_sample``."""

    backend = "reference"


def _make_norm(channels: int, name: str) -> nn.Sequential:
    """(N, C, H, W) -> normalised (N, H, W, C)."""
    if name not in NORMS:
        raise ValueError(f"norm_layer must be one of {', '.join(NORMS)}, but got {name!r}")
    to_channels_last = Permute(0, 2, 3, 1)
    if name == "BN":
        return nn.Sequential(nn.BatchNorm2d(channels), to_channels_last)
    return nn.Sequential(to_channels_last, nn.LayerNorm(channels, eps=1e-6))


def _make_activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise ValueError(f"act_layer must be one of {', '.join(ACTIVATIONS)}, but got {name!r}")
    return ACTIVATIONS[name]()
