"""Gaussian peaks on heat maps: the targets of CenterNet (arXiv:1904.07850); reading such maps."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian2D(  # 1.x's name
    radius: int, sigma: float = 1, dtype: torch.dtype = torch.float32, device: Any = "cpu"
) -> Tensor:
    """Returns a Gaussian kernel (2 * radius + 1, 2 * radius + 1) whose peak is 1."""
    square = torch.arange(-radius, radius + 1, dtype=dtype, device=device).square()
    kernel = (-(square[:, None] + square) / (2 * sigma * sigma)).exp()
    kernel[kernel < torch.finfo(kernel.dtype).eps * kernel.max()] = 0
    return kernel


def gen_gaussian_target(
    heatmap: Tensor, center: Sequence[int], radius: int, k: float = 1
) -> Tensor:
    """Draws a peak into a heat map (H, W), in place; where peaks meet, the higher one counts.

    Args:
        heatmap: (H, W).
        center: x and y of the peak.
        radius: of the kernel.
        k: height of the peak.
    """
    kernel = gaussian2D(radius, (2 * radius + 1) / 6, dtype=heatmap.dtype, device=heatmap.device)
    x, y = center
    height, width = heatmap.shape[:2]
    left, right = min(x, radius), min(width - x, radius + 1)
    top, bottom = min(y, radius), min(height - y, radius + 1)
    part = heatmap[y - top : y + bottom, x - left : x + right]
    peak = kernel[radius - top : radius + bottom, radius - left : radius + right]
    part.copy_(torch.maximum(part, peak * k))
    return heatmap


def gaussian_radius(det_size: Sequence[float], min_overlap: float) -> float:
    """Returns by how much the corners of a box may move so that the IoU stays ``min_overlap``.

    The smallest of the radii for both corners moving the same way, inwards and outwards, as
    CornerNet's code computes them (arXiv:1808.01244).

    Args:
        det_size: height and width of the box.
        min_overlap: the IoU.
    """
    height, width = det_size
    area, side = width * height, height + width
    same_way = _smaller_root(1, side, area * (1 - min_overlap) / (1 + min_overlap))
    inwards = _smaller_root(4, 2 * side, (1 - min_overlap) * area)
    b = -2 * min_overlap * side
    outwards = (b + sqrt(b**2 - 16 * min_overlap * (min_overlap - 1) * area)) / (8 * min_overlap)
    return min(same_way, inwards, outwards)


def get_local_maximum(heat: Tensor, kernel: int = 3) -> Tensor:
    """Returns ``heat`` (B, C, H, W), zero wherever a neighbour is higher."""
    highest = F.max_pool2d(heat, kernel, stride=1, padding=(kernel - 1) // 2)
    return heat * (highest == heat).float()


def get_topk_from_heatmap(scores: Tensor, k: int = 20) -> tuple[Tensor, ...]:
    """Returns the ``k`` highest scores of (B, C, H, W).

    Returns:
        Scores, indices in H * W, classes, y and x (float), each (B, k).
    """
    batch, _, height, width = scores.shape
    best, where = scores.view(batch, -1).topk(k)
    classes, where = where // (height * width), where % (height * width)
    return best, where, classes, where // width, (where % width).int().float()


def gather_feat(feat: Tensor, ind: Tensor, mask: Tensor | None = None) -> Tensor:
    """Takes rows ``ind`` (B, k) of ``feat`` (B, N, C); with a mask (B, k), only those that count.

    Returns:
        (B, k, C), or (number of true values, C).
    """
    rows = feat.gather(1, ind[..., None].expand(-1, -1, feat.size(2)))
    return rows if mask is None else rows[mask]


def transpose_and_gather_feat(feat: Tensor, ind: Tensor) -> Tensor:
    """Takes pixels ``ind`` (B, k) in H * W of a map (B, C, H, W), as (B, k, C)."""
    return gather_feat(feat.flatten(2).transpose(1, 2), ind)


def _smaller_root(a: float, b: float, c: float) -> float:
    return (b - sqrt(b**2 - 4 * a * c)) / (2 * a)
