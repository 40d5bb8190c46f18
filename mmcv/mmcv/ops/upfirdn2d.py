"""Upsampling, filtering and downsampling in one step (StyleGAN2, arXiv:1912.04958)."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.utils import _pair


def upfirdn2d(
    input: Tensor, kernel: Tensor, up: Any = 1, down: Any = 1, pad: Any = (0, 0)
) -> Tensor:
    """Inserts zeros, pads, convolves each channel with a kernel and takes every n-th pixel.

    Args:
        input: (N, C, H, W).
        kernel: (kh, kw); a convolution flips it.
        up: factor of upsampling, or one for x and one for y.
        down: factor of downsampling, in the same way.
        pad: zeros before and after both axes, or (left, right, top, bottom); negative ones crop.

    Returns:
        (N, C, H', W').
    """
    up_x, up_y = _pair(up)
    down_x, down_y = _pair(down)
    left, right, top, bottom = pad if len(pad) == 4 else (*pad, *pad)
    n, channels, height, width = input.shape
    out = input.reshape(n * channels, 1, height, 1, width, 1)
    out = F.pad(out, (0, up_x - 1, 0, 0, 0, up_y - 1))
    out = out.reshape(n * channels, 1, height * up_y, width * up_x)
    out = F.pad(out, (left, right, top, bottom))
    weight = kernel.flip(0, 1)[None, None].to(out.dtype)
    out = F.conv2d(out, weight, stride=(down_y, down_x))
    return out.view(n, channels, *out.shape[2:])
