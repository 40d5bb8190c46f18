"""Deformable attention as a weighted sum of gathered rows: plain torch's fastest forward.

Every sample reads four pixels; each is one row of D channels in a table of all pixels, and
``F.embedding_bag`` sums rows with weights. Its backward pass is slow, so it serves inference only.
``benchmarks/RESULTS.md`` has its speed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def ms_deform_attn_rows(
    value: Tensor, shapes: Sequence[tuple[int, int]], locations: Tensor, weights: Tensor
) -> Tensor:
    """Computes what ``ms_deform_attn_reference`` does; same arguments."""
    batch, positions, heads, channels = value.shape
    filled = [level for level, (h, w) in enumerate(shapes) if h * w]
    if len(filled) < len(shapes):  # an empty map adds nothing, and has no pixel to point at
        shapes = [shapes[level] for level in filled]
        locations, weights = locations[:, :, :, filled], weights[:, :, :, filled]
    bags = locations.shape[:3]
    wide = torch.float64 if value.dtype == torch.float64 else torch.float32
    device = value.device
    starts = torch.tensor([0] + [h * w for h, w in shapes[:-1]], device=device).cumsum(0)
    widths, heights = (torch.tensor([s[i] for s in shapes], device=device) for i in (1, 0))
    x, left, right = _along_axis(locations[..., 0].to(wide), widths)
    y, upper, lower = _along_axis(locations[..., 1].to(wide), heights)
    image = torch.arange(batch, device=device).view(-1, 1, 1, 1, 1)
    head = torch.arange(heads, device=device).view(-1, 1, 1)
    # (B, Q, M, L, P) -> row of the upper left pixel in the (B·S·M, D) table.
    first = y.mul_(widths[:, None]).add_(x).add_(starts[:, None]).mul_(heads)
    first = first.add_(image * (positions * heads) + head).flatten(3)
    upper, lower = upper * weights, lower * weights
    # Where a map is one pixel wide or high, the second pixel is the first one, with factor 0.
    points = locations.shape[4]
    to_right = ((widths > 1) * heads).repeat_interleave(points)
    to_lower = ((heights > 1) * widths * heads).repeat_interleave(points)
    index = torch.stack(
        [first, first + to_right, first + to_lower, first + (to_right + to_lower)], dim=3
    )
    pairs = ((upper, left), (upper, right), (lower, left), (lower, right))
    factors = torch.stack([(a * b).flatten(3) for a, b in pairs], dim=3)
    summed = F.embedding_bag(
        index.view(bags.numel(), -1),
        value.reshape(-1, channels).to(wide),
        mode="sum",
        per_sample_weights=factors.view(bags.numel(), -1).to(wide),
    )
    return summed.view(batch, -1, heads * channels).to(value.dtype)


def _along_axis(location: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns a pixel inside of the map, and the factors of it and of its successor.

    A factor is the hat function around the pixel, so it is right for samples beyond the edges too:
    their pair is moved inside, and a pixel further than one away counts nothing.

    Args:
        location: (B, Q, M, L, P) in units of the map.
        sizes: (L,) pixels along the axis.
    """
    sizes = sizes[:, None]
    pixel = location * sizes - 0.5
    first = torch.minimum(pixel.floor().long().clamp_(min=0), (sizes - 2).clamp(min=0))
    distance = pixel.sub_(first)
    near = distance.abs().neg_().add_(1).clamp_(min=0)
    far = distance.sub_(1).abs_().neg_().add_(1).clamp_(min=0).mul_(sizes > 1)
    return first, near, far
