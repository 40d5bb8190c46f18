"""Small functions on maps, under their 1.x import path."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F


def interpolate_as(
    source: Tensor, target: Any, mode: str = "bilinear", align_corners: bool = False
) -> Tensor:
    """Resizes ``source`` to the size of ``target``.

    Args:
        source: (B, C, H, W), or (B, H, W).
        target: tensor or array (..., H', W') of two to four dimensions.
        mode: of the interpolation.
        align_corners: of the interpolation.
    """
    assert len(target.shape) in (2, 3, 4), f"target has {len(target.shape)} dimensions"
    size = (target.shape[-2], target.shape[-1])
    if tuple(source.shape[-2:]) == size:
        return source
    if source.dim() == 3:
        resized = F.interpolate(source[:, None], size=size, mode=mode, align_corners=align_corners)
        return resized[:, 0]
    return F.interpolate(source, size=size, mode=mode, align_corners=align_corners)


def sigmoid_geometric_mean(x: Tensor, y: Tensor) -> Tensor:
    """Returns sqrt(sigmoid(x) * sigmoid(y)), whose gradient stays finite where that is zero."""
    return ((F.logsigmoid(x) + F.logsigmoid(y)) / 2).exp()
