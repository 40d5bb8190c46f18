"""L1 and smooth L1 (Fast R-CNN, arXiv:1504.08083)."""

from __future__ import annotations

import torch
from torch import Tensor

from mmdet.models.losses.utils import ElementLoss, weighted_loss
from mmdet.registry import MODELS, ModelConfigError


def _smooth_l1(pred: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    assert beta > 0
    if target.numel() == 0:
        return pred.sum() * 0
    assert pred.size() == target.size()
    diff = torch.abs(pred - target)
    return torch.where(diff < beta, 0.5 * diff * diff / beta, diff - 0.5 * beta)


def _l1(pred: Tensor, target: Tensor) -> Tensor:
    if target.numel() == 0:
        return pred.sum() * 0
    assert pred.size() == target.size()
    return torch.abs(pred - target)


smooth_l1_loss = weighted_loss(_smooth_l1)
l1_loss = weighted_loss(_l1)


@MODELS.register_module()
class SmoothL1Loss(ElementLoss):
    """Squared below ``beta``, absolute above.

    Args:
        beta: where the two meet.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def __init__(
        self, beta: float = 1.0, reduction: str = "mean", loss_weight: float = 1.0
    ) -> None:
        super().__init__(reduction, loss_weight)
        if beta <= 0:
            raise ModelConfigError(f"SmoothL1Loss: beta must be positive, but is {beta}")
        self.beta = beta

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each element."""
        return _smooth_l1(pred, target, self.beta)


@MODELS.register_module()
class L1Loss(ElementLoss):
    """Absolute differences.

    Args:
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each element."""
        return _l1(pred, target)
