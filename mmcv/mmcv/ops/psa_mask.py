"""Point-wise spatial attention masks (PSANet, Zhao et al., 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

TYPES = ("collect", "distribute")


def psamask(input: Tensor, psa_type: str, mask_size: Any) -> Tensor:
    """Spreads each pixel's mask of relative positions over the map.

    Args:
        input: (N, h·w, H, W), for each pixel a mask (h, w) centred on it.
        psa_type: "collect": channel y·W + x of the output says how much a pixel takes from (y, x);
            "distribute": how much it gives to it, i.e. the transpose.
        mask_size: h, w.

    Returns:
        (N, H·W, H, W); zero where the mask does not reach.
    """
    if psa_type not in TYPES:
        raise AssertionError(f"psa_type must be one of {TYPES}, but got {psa_type!r}")
    rows, columns = _pair(mask_size)
    n, channels, height, width = input.shape
    if channels != rows * columns:
        raise AssertionError(f"input must have {rows} * {columns} channels, but has {channels}")
    row, row_fits = _relative(height, rows, input.device)
    column, column_fits = _relative(width, columns, input.device)
    index = row[:, None, :, None] * columns + column[None, :, None, :]  # (y, x, H, W)
    fits = row_fits[:, None, :, None] & column_fits[None, :, None, :]
    index = index.view(1, height * width, height, width).expand(n, -1, -1, -1)
    collected = input.gather(1, index) * fits.view(1, height * width, height, width)
    if psa_type == "collect":
        return collected
    return collected.flatten(2).transpose(1, 2).reshape(collected.shape)


def _relative(size: int, mask: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns where position i stands in the mask of j, (size, size), and whether it does."""
    place = torch.arange(size, device=device)
    index = place[:, None] - place[None] + (mask - 1) // 2
    fits = (index >= 0) & (index < mask)
    return index.clamp(0, mask - 1), fits


class PSAMask(nn.Module):
    """:func:`psamask` as a module."""

    def __init__(self, psa_type: str, mask_size: Any = None) -> None:
        super().__init__()
        if psa_type not in TYPES:
            raise AssertionError(f"psa_type must be one of {TYPES}, but got {psa_type!r}")
        self.psa_type = psa_type
        self.mask_size = mask_size

    def forward(self, input: Tensor) -> Tensor:
        """Spreads masks (N, h·w, H, W) over the map: (N, H·W, H, W)."""
        return psamask(input, self.psa_type, self.mask_size)

    def extra_repr(self) -> str:
        """Names the settings."""
        return f"psa_type={self.psa_type}, mask_size={self.mask_size}"
