"""RMSNorm (Zhang & Sennrich, 2019, arXiv:1910.07467) in the published InternViT's cast order."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """Normalises the last axis by its root mean square.

    The mean square is taken in fp32, the normalised value is cast back to the dtype of ``x`` and
    *then* multiplied by the weight. ``F.rms_norm`` multiplies before it casts: other bf16 values.

    Args:
        x: (..., C).
        weight: (C,).
        eps: added to the mean square.

    Returns:
        (..., C); dtype by promotion of ``x`` and ``weight``.
    """
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    normalised = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return weight * normalised.to(x.dtype)


class RMSNorm(nn.Module):
    """RMSNorm over the last axis; one parameter, ``weight`` (dim,)."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalises ``x`` (..., dim)."""
        return rms_norm(x, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Names the width and eps."""
        return f"{self.weight.shape[0]}, eps={self.eps}"
