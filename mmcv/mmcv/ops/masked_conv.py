"""A convolution that is zero where a mask says so."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair


def masked_conv2d(
    features: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Convolves, and sets pixels to zero where the mask is not positive.

    Args:
        features: (1, C, H, W).
        mask: (1, H', W').
        weight: (O, C, kh, kw).
        bias: (O,).
        padding: zeros around the features.
        stride: must be 1, as in 1.x.

    Returns:
        (1, O, H', W').
    """
    if mask.dim() != 3 or mask.shape[0] != 1 or features.dim() != 4 or features.shape[0] != 1:
        raise AssertionError(
            "features must be (1, C, H, W) and mask (1, H', W'), but got"
            f" {tuple(features.shape)} and {tuple(mask.shape)}"
        )
    if _pair(stride) != (1, 1):
        raise ValueError(f"stride must be 1 in masked_conv2d, but got {stride}")
    out = F.conv2d(features, weight, bias, padding=_pair(padding))
    if out.shape[2:] != mask.shape[1:]:
        expected = (1, *out.shape[2:])
        raise ValueError(f"mask must be {expected}, but got {tuple(mask.shape)}")
    return torch.where(mask[:, None] > 0, out, torch.zeros_like(out))


class MaskedConv2d(nn.Conv2d):
    """A convolution with an optional mask; without one it is ``nn.Conv2d``."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Convolves ``input`` (1, C, H, W); see :func:`masked_conv2d`."""
        if mask is None:
            return super().forward(input)
        assert self.bias is not None
        return masked_conv2d(input, mask, self.weight, self.bias, self.padding, self.stride)
