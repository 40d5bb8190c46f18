"""Weights and reductions: those of ``mmcv.losses``, with weights that fit the loss."""

from __future__ import annotations

from torch import Tensor

from mmcv import losses
from mmcv.losses import (
    REDUCTIONS,
    ClassWeight,
    at_least_fp32,
    class_weight_like,
    get_class_weight,
    reduce_loss,
    weighted_loss,
)

__all__ = [
    "REDUCTIONS",
    "ClassWeight",
    "at_least_fp32",
    "class_weight_like",
    "get_class_weight",
    "reduce_loss",
    "weight_reduce_loss",
    "weighted_loss",
]


def weight_reduce_loss(
    loss: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Weighs a loss by element and reduces it; see :func:`mmcv.losses.weight_reduce_loss`.

    Args:
        loss: (B, ...) or (B, C, ...).
        weight: the shape of ``loss``, or 1 in place of C.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides the sum by instead of the number of elements.
    """
    if weight is not None:
        assert weight.dim() == loss.dim()
        assert weight.dim() == 1 or weight.size(1) in (1, loss.size(1))
    return losses.weight_reduce_loss(loss, weight, reduction, avg_factor)
