"""Maps of four resolutions from a ViT's one, after ViTDet (Li et al., 2022, arXiv:2203.16527)."""

from __future__ import annotations

from torch import nn

from mmops.norm import LayerNorm2d


def make_vit_pyramid(dim: int, with_final_norm: bool) -> list[nn.Sequential]:
    """Returns four levels that scale a map (B, dim, H, W) by 4, 2, 1 and 1/2.

    Args:
        dim: channels.
        with_final_norm: end each level with a LayerNorm.
    """

    def double() -> nn.ConvTranspose2d:
        conv = nn.ConvTranspose2d(dim, dim, kernel_size=2, stride=2)
        init_conv_by_fan_out(conv)
        return conv

    def final() -> nn.Module:
        return LayerNorm2d(dim) if with_final_norm else nn.Identity()

    return [
        nn.Sequential(double(), LayerNorm2d(dim), nn.GELU(), double(), final()),
        nn.Sequential(double(), final()),
        nn.Sequential(nn.Identity(), final()),
        nn.Sequential(nn.MaxPool2d(kernel_size=2, stride=2), final()),
    ]


def init_conv_by_fan_out(conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Draws the kernel from N(0, 2 / fan_out), where fan_out = kh·kw·out / groups; bias 0."""
    kh, kw = conv.kernel_size
    fan_out = kh * kw * conv.out_channels // conv.groups
    nn.init.normal_(conv.weight, 0.0, (2.0 / fan_out) ** 0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
