"""CARAFE: upsampling with kernels predicted from the content (Wang et al., 2019, arXiv:1905.02188).

Legend: N images, C channels, H W map, k kernel side, G groups, s scale factor.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.weight_init import normal_init, xavier_init
from mmcv.registry import MODELS


def carafe(
    features: Tensor, masks: Tensor, kernel_size: int, group_size: int, scale_factor: int
) -> Tensor:
    """Sums the neighbours of each pixel under a kernel of the output pixel's own.

    Args:
        features: (N, C, H, W), zero outside.
        masks: (N, G·k², s·H, s·W) kernels; each group of C / G channels has one.
        kernel_size: k, odd.
        group_size: G.
        scale_factor: s.

    Returns:
        (N, C, s·H, s·W).

    Raises:
        AssertionError: sizes that do not fit together.
    """
    n, channels, height, width = features.shape
    expected = (n, group_size * kernel_size**2, height * scale_factor, width * scale_factor)
    if tuple(masks.shape) != expected or channels % group_size or kernel_size % 2 == 0:
        raise AssertionError(
            f"masks must be {expected} for features {tuple(features.shape)}, an odd kernel_size"
            f" {kernel_size} and group_size {group_size}, but got {tuple(masks.shape)}"
        )
    neighbours = F.unfold(features, kernel_size, padding=kernel_size // 2)
    neighbours = neighbours.view(n, group_size, channels // group_size, -1, height, width)
    kernels = masks.view(n, group_size, -1, height, scale_factor, width, scale_factor)
    out = torch.einsum("ngckhw,ngkhawb->ngchawb", neighbours, kernels.to(features.dtype))
    return out.reshape(n, channels, *expected[2:])


carafe_naive = carafe


class CARAFE(nn.Module):
    """:func:`carafe` as a module."""

    def __init__(self, kernel_size: int, group_size: int, scale_factor: int) -> None:
        super().__init__()
        assert isinstance(kernel_size, int) and isinstance(group_size, int)
        assert isinstance(scale_factor, int)
        self.kernel_size = kernel_size
        self.group_size = group_size
        self.scale_factor = scale_factor

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Upsamples ``features`` (N, C, H, W); see :func:`carafe`."""
        return carafe(features, masks, self.kernel_size, self.group_size, self.scale_factor)


class CARAFENaive(CARAFE):
    """1.x's slow form; here it is the same."""


@MODELS.register_module(name="carafe")
class CARAFEPack(nn.Module):
    """CARAFE that predicts its kernels from the features.

    Args:
        channels: C.
        scale_factor: s.
        up_kernel: k.
        up_group: G.
        encoder_kernel: kernel of the convolution that predicts.
        encoder_dilation: its dilation.
        compressed_channels: its input channels.
    """

    def __init__(
        self,
        channels: int,
        scale_factor: int,
        up_kernel: int = 5,
        up_group: int = 1,
        encoder_kernel: int = 3,
        encoder_dilation: int = 1,
        compressed_channels: int = 64,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.scale_factor = scale_factor
        self.up_kernel = up_kernel
        self.up_group = up_group
        self.encoder_kernel = encoder_kernel
        self.encoder_dilation = encoder_dilation
        self.compressed_channels = compressed_channels
        self.channel_compressor = nn.Conv2d(channels, compressed_channels, 1)
        self.content_encoder = nn.Conv2d(
            compressed_channels,
            up_kernel**2 * up_group * scale_factor**2,
            encoder_kernel,
            padding=int((encoder_kernel - 1) * encoder_dilation / 2),
            dilation=encoder_dilation,
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Draws weights; the predicted kernels start almost uniform."""
        for layer in (self.channel_compressor, self.content_encoder):
            xavier_init(layer, distribution="uniform")
        normal_init(self.content_encoder, std=0.001)

    def kernel_normalizer(self, mask: Tensor) -> Tensor:
        """Turns (N, G·k²·s², H, W) into kernels (N, G·k², s·H, s·W) that sum to one."""
        mask = F.pixel_shuffle(mask, self.scale_factor)
        return mask.unflatten(1, (-1, self.up_kernel**2)).softmax(dim=2).flatten(1, 2)

    def feature_reassemble(self, x: Tensor, mask: Tensor) -> Tensor:
        """Upsamples ``x`` with kernels ``mask``."""
        return carafe(x, mask, self.up_kernel, self.up_group, self.scale_factor)

    def forward(self, x: Tensor) -> Tensor:
        """Upsamples ``x`` (N, C, H, W) to (N, C, s·H, s·W)."""
        mask = self.content_encoder(self.channel_compressor(x))
        return self.feature_reassemble(x, self.kernel_normalizer(mask))
