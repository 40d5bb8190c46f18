"""What assigners with candidates for each object share."""

from __future__ import annotations

import torch
from torch import Tensor

# What no candidate has as its overlap.
NONE = -100000000


def centers_of(boxes: Tensor) -> Tensor:
    """Returns the centres (N, 2) of boxes (N, 4)."""
    return (boxes[:, :2] + boxes[:, 2:4]) / 2


def centers_inside(
    centers: Tensor, gt_bboxes: Tensor, candidates: Tensor, margin: float = 0.01
) -> Tensor:
    """Tells (K, G) which candidates have their centre inside of the object.

    Args:
        centers: (N, 2) of the boxes.
        gt_bboxes: (G, 4) objects.
        candidates: (K, G) indices of boxes.
        margin: by how many pixels they must be inside.
    """
    chosen = centers[candidates]
    sides = torch.cat([chosen - gt_bboxes[:, :2], gt_bboxes[:, 2:4] - chosen], dim=-1)
    return sides.min(dim=-1)[0] > margin


def best_of_candidates(
    overlaps: Tensor, candidates: Tensor, positive: Tensor
) -> tuple[Tensor, Tensor]:
    """Gives boxes that several objects claim to the one they overlap most.

    Args:
        overlaps: (N, G) of boxes and objects.
        candidates: (K, G) indices of boxes.
        positive: (K, G) which of them count.

    Returns:
        (N,) best overlaps (``NONE`` for boxes nobody claims) and (N,) indices of the objects.
    """
    claimed = torch.full_like(overlaps, NONE)
    objects = torch.arange(overlaps.size(1), device=overlaps.device).expand_as(candidates)
    place = (candidates[positive], objects[positive])
    claimed[place] = overlaps[place]
    return claimed.max(dim=1)
