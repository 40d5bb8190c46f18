"""Deformable attention in plain torch: bilinear samples of each level, weighted and summed.

Legend: B batch, S = Σ H_l·W_l value positions, Q queries, M heads, D channels per head, L levels,
P points.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def ms_deform_attn_reference(
    value: Tensor, shapes: Tensor | Sequence[Sequence[int]], locations: Tensor, weights: Tensor
) -> Tensor:
    """Sums bilinear samples of ``value`` at ``locations``; outside of a map the value is zero.

    Args:
        value: (B, S, M, D).
        shapes: (L, 2) integers, height and width of each level.
        locations: (B, Q, M, L, P, 2) x, y in units of the map: 0 and 1 are its outer edges.
        weights: (B, Q, M, L, P).

    Returns:
        (B, Q, M·D) in the dtype of ``value``; sums run in fp32 at least.
    """
    dtype = value.dtype
    value = value.to(torch.promote_types(dtype, torch.float32))
    locations, weights = locations.to(value.dtype), weights.to(value.dtype)
    batch, _, heads, channels = value.shape
    queries, levels, points = locations.shape[1], locations.shape[3], locations.shape[4]
    sizes = [(int(h), int(w)) for h, w in shapes]
    filled = [level for level, (h, w) in enumerate(sizes) if h * w]
    if not filled or batch * queries * points == 0:
        return value.new_zeros(batch, queries, heads * channels, dtype=dtype)
    if len(filled) < levels:  # an empty map adds nothing, and grid_sample refuses it
        sizes, levels = [sizes[level] for level in filled], len(filled)
        locations, weights = locations[:, :, :, filled], weights[:, :, :, filled]
    grid = 2 * locations - 1
    samples = []
    for level, part in enumerate(value.split([h * w for h, w in sizes], dim=1)):
        height, width = sizes[level]
        # (B, H·W, M, D) -> (B·M, D, H, W); (B, Q, M, P, 2) -> (B·M, Q, P, 2)
        image = part.permute(0, 2, 3, 1).reshape(batch * heads, channels, height, width)
        points_of_level = grid[:, :, :, level].transpose(1, 2).flatten(0, 1)
        samples.append(
            F.grid_sample(
                image, points_of_level, mode="bilinear", padding_mode="zeros", align_corners=False
            )
        )
    flat_weights = weights.transpose(1, 2).reshape(batch * heads, 1, queries, levels * points)
    summed = (torch.stack(samples, dim=-2).flatten(-2) * flat_weights).sum(-1)
    output = summed.view(batch, heads * channels, queries).transpose(1, 2).contiguous()
    return output.to(dtype)
