"""Global context block (Cao et al., 2019, arXiv:1904.11492)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcv.cnn.weight_init import constant_init, kaiming_init
from mmcv.registry import MODELS, ConfigError


@MODELS.register_module()
class ContextBlock(nn.Module):
    """Adds to, or multiplies, every pixel by a function of the whole map.

    Args:
        in_channels: channels.
        ratio: width between the two convolutions relative to ``in_channels``.
        pooling_type: "att" for attention pooling, "avg" for the average.
        fusion_types: any of "channel_add" and "channel_mul".
    """

    _abbr_ = "context_block"

    def __init__(
        self,
        in_channels: int,
        ratio: float,
        pooling_type: str = "att",
        fusion_types: tuple[str, ...] = ("channel_add",),
    ) -> None:
        super().__init__()
        if pooling_type not in ("avg", "att"):
            raise ConfigError(f"pooling_type must be 'avg' or 'att', but got {pooling_type!r}")
        if not isinstance(fusion_types, (list, tuple)):
            raise TypeError(f"fusion_types must be a list, but got {type(fusion_types)}")
        if not fusion_types or not set(fusion_types) <= {"channel_add", "channel_mul"}:
            raise ConfigError(
                f"fusion_types must be of 'channel_add', 'channel_mul', but got {fusion_types}"
            )
        self.in_channels = in_channels
        self.ratio = ratio
        self.planes = int(in_channels * ratio)
        self.pooling_type = pooling_type
        self.fusion_types = fusion_types
        if pooling_type == "att":
            self.conv_mask = nn.Conv2d(in_channels, 1, kernel_size=1)
            self.softmax = nn.Softmax(dim=2)
        else:
            self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.channel_add_conv = self._transform() if "channel_add" in fusion_types else None
        self.channel_mul_conv = self._transform() if "channel_mul" in fusion_types else None
        self.reset_parameters()

    def _transform(self) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(self.in_channels, self.planes, kernel_size=1),
            nn.LayerNorm([self.planes, 1, 1]),
            nn.ReLU(inplace=True),
            nn.Conv2d(self.planes, self.in_channels, kernel_size=1),
        )

    def reset_parameters(self) -> None:
        """Makes the block start as the identity (or, multiplying, as one half)."""
        if self.pooling_type == "att":
            kaiming_init(self.conv_mask, mode="fan_in")
        for transform in (self.channel_add_conv, self.channel_mul_conv):
            if transform is not None:
                constant_init(transform[-1], 0)

    def spatial_pool(self, x: Tensor) -> Tensor:
        """Pools ``x`` (B, C, H, W) to (B, C, 1, 1)."""
        if self.pooling_type == "avg":
            return self.avg_pool(x)
        weights = self.softmax(self.conv_mask(x).flatten(2))  # (B, 1, HW)
        return torch.matmul(x.flatten(2), weights.transpose(1, 2))[..., None]

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        context = self.spatial_pool(x)
        out = x
        if self.channel_mul_conv is not None:
            out = out * torch.sigmoid(self.channel_mul_conv(context))
        if self.channel_add_conv is not None:
            out = out + self.channel_add_conv(context)
        return out
