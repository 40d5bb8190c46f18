"""Which anchors lie inside of the image, and the middle part of a box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def anchor_inside_flags(
    flat_anchors: Tensor, valid_flags: Tensor, img_shape: Sequence[int], allowed_border: float = 0
) -> Tensor:
    """Flags the valid anchors that lie inside of the image.

    Args:
        flat_anchors: (N, 4).
        valid_flags: (N,) bool.
        img_shape: (height, width, ...).
        allowed_border: by how many pixels they may stand out; negative: by any number.
    """
    if allowed_border < 0:
        return valid_flags
    height, width = img_shape[:2]
    return (
        valid_flags
        & (flat_anchors[:, 0] >= -allowed_border)
        & (flat_anchors[:, 1] >= -allowed_border)
        & (flat_anchors[:, 2] < width + allowed_border)
        & (flat_anchors[:, 3] < height + allowed_border)
    )


def calc_region(
    bbox: Tensor, ratio: float, featmap_size: Sequence[int] | None = None
) -> tuple[Tensor, ...]:
    """Returns x1, y1, x2, y2 (int64) of a box (4,) whose sides were moved inwards.

    Args:
        bbox: (4,).
        ratio: by which share of the width and height each side moves.
        featmap_size: (height, width) that the result is clipped to.
    """
    low, high = bbox[:2], bbox[2:]
    corners = torch.cat([(1 - ratio) * low + ratio * high, ratio * low + (1 - ratio) * high])
    x1, y1, x2, y2 = corners.round().long().unbind()
    if featmap_size is not None:
        height, width = featmap_size[:2]
        x1, x2 = x1.clamp(min=0, max=width), x2.clamp(min=0, max=width)
        y1, y2 = y1.clamp(min=0, max=height), y2.clamp(min=0, max=height)
    return x1, y1, x2, y2
