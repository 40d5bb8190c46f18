"""Deformable attention in plain torch: bilinear samples of each level, weighted and summed.

Legend: B batch, S = Σ H_l·W_l value positions, Q queries, M heads, D channels per head, L levels,
P points.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def ms_deform_attn_reference(
    value: Tensor, shapes: Tensor, locations: Tensor, weights: Tensor
) -> Tensor:
    """Sums bilinear samples of ``value`` at ``locations``; outside of a map the value is zero.

    Args:
        value: (B, S, M, D).
        shapes: (L, 2) integers, height and width of each level.
        locations: (B, Q, M, L, P, 2) x, y in units of the map: 0 and 1 are its outer edges.
        weights: (B, Q, M, L, P).

    Returns:
        (B, Q, M·D).
    """
    batch, _, heads, channels = value.shape
    queries, levels, points = locations.shape[1], locations.shape[3], locations.shape[4]
    sizes = [(int(h), int(w)) for h, w in shapes]
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
    return summed.view(batch, heads * channels, queries).transpose(1, 2).contiguous()
