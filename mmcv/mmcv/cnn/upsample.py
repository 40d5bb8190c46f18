"""Upsampling layers by name: nearest, bilinear, deconv, deconv3d, pixel_shuffle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.conv import split_type
from mmcv.cnn.weight_init import xavier_init
from mmcv.registry import MODELS

MODELS.register_module(["nearest", "bilinear"], module=nn.Upsample)


@MODELS.register_module(name="pixel_shuffle")
class PixelShufflePack(nn.Module):
    """A convolution to ``scale_factor²`` times the channels, which are then laid out as pixels.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        scale_factor: how many times larger the output is.
        upsample_kernel: kernel size of the convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, scale_factor: int, upsample_kernel: int
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.scale_factor = scale_factor
        self.upsample_kernel = upsample_kernel
        self.upsample_conv = nn.Conv2d(
            in_channels,
            out_channels * scale_factor * scale_factor,
            upsample_kernel,
            padding=(upsample_kernel - 1) // 2,
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Draws the kernel from Glorot's uniform distribution."""
        xavier_init(self.upsample_conv, distribution="uniform")

    def forward(self, x: Tensor) -> Tensor:
        """Enlarges ``x`` (B, in_channels, H, W) to (B, out_channels, rH, rW)."""
        return F.pixel_shuffle(self.upsample_conv(x), self.scale_factor)


def build_upsample_layer(cfg: Mapping[str, Any], *args: Any, **kwargs: Any) -> nn.Module:
    """Builds an upsampling layer from ``dict(type=…, scale_factor=2, …)``.

    Args:
        cfg: ``type`` and further arguments; for interpolation ``type`` is the mode.
        args: further arguments, such as the channels of a deconv.
        kwargs: the same by name.
    """
    kind, options = split_type(cfg)
    upsample = MODELS.get(kind)
    if upsample is nn.Upsample:
        options["mode"] = kind
    return upsample(*args, **kwargs, **options)  # type: ignore[return-value]
