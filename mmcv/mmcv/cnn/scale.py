"""A learnable factor."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Multiplies by one learnable number, as FCOS does for each level."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale, dtype=torch.float))

    def forward(self, x: Tensor) -> Tensor:
        """Multiplies ``x``, of any shape."""
        return x * self.scale
