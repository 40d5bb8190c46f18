"""Square windows of a token grid, zero-padded at the bottom and right to whole windows.

Legend: B batch, H W grid, w window size, n = ceil(H/w)·ceil(W/w) windows.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pad_to_windows(x: Tensor, window_size: int) -> Tensor:
    """Pads ``x`` (B, H, W, C) with zeros to multiples of the window size."""
    bottom, right = -x.shape[1] % window_size, -x.shape[2] % window_size
    return F.pad(x, (0, 0, 0, right, 0, bottom)) if bottom or right else x


def window_partition(x: Tensor, window_size: int) -> Tensor:
    """Cuts ``x`` (B, H, W, C) into windows (B·n, w², C), row by row; pads as needed."""
    x = pad_to_windows(x, window_size)
    batch, height, width, channels = x.shape
    rows, columns = height // window_size, width // window_size
    x = x.view(batch, rows, window_size, columns, window_size, channels).transpose(2, 3)
    return x.reshape(batch * rows * columns, window_size * window_size, channels)


def window_reverse(windows: Tensor, window_size: int, grid: tuple[int, int]) -> Tensor:
    """Puts windows (B·n, w², C) together again to (B, H, W, C), without the padding.

    Args:
        windows: what ``window_partition`` returned.
        window_size: w.
        grid: (H, W) before padding.
    """
    rows, columns = (-(-size // window_size) for size in grid)
    x = windows.view(-1, rows, columns, window_size, window_size, windows.shape[-1])
    x = x.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return x[:, : grid[0], : grid[1]]
