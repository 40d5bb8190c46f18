"""RMSNorm as a module (Zhang & Sennrich, 2019, arXiv:1910.07467); ``op.py`` has its numerics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmops.norm.op import rms_norm


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
