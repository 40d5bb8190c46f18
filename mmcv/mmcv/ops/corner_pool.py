"""Corner pooling (CornerNet, Law & Deng, 2018, arXiv:1808.01244)."""

from __future__ import annotations

from torch import Tensor, nn


class CornerPool(nn.Module):
    """Takes the running maximum along one direction.

    Args:
        mode: "bottom" and "right" run downwards and to the right, "top" and "left" back from the
            far edge.
    """

    # Mode: the axis, and whether it is walked backwards.
    cummax_dim_flip = {
        "bottom": (2, False),
        "left": (3, True),
        "right": (3, False),
        "top": (2, True),
    }

    def __init__(self, mode: str) -> None:
        super().__init__()
        if mode not in self.cummax_dim_flip:
            raise AssertionError(f"mode must be one of {list(self.cummax_dim_flip)}, got {mode!r}")
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to the same shape."""
        axis, backwards = self.cummax_dim_flip[self.mode]
        x = x.flip(axis) if backwards else x
        pooled = x.cummax(axis).values
        return pooled.flip(axis) if backwards else pooled
