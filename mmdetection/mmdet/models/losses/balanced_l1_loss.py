"""Balanced L1 loss: inliers pull more (Libra R-CNN, arXiv:1904.02701)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmdet.models.losses.utils import ElementLoss, weight_reduce_loss
from mmdet.registry import MODELS, ModelConfigError


def balanced_l1_loss(
    pred: Tensor,
    target: Tensor,
    beta: float = 1.0,
    alpha: float = 0.5,
    gamma: float = 1.5,
    reduction: str = "mean",
) -> Tensor:
    """Balanced L1 loss of ``pred`` for ``target`` of the same shape.

    Args:
        pred: (N, 4).
        target: (N, 4).
        beta: where inliers end.
        alpha: gradient of inliers: the smaller, the larger.
        gamma: bound of the gradient.
        reduction: "none", "mean" or "sum".
    """
    return weight_reduce_loss(_balanced_l1(pred, target, beta, alpha, gamma), None, reduction)


def _balanced_l1(pred: Tensor, target: Tensor, beta: float, alpha: float, gamma: float) -> Tensor:
    assert beta > 0
    if target.numel() == 0:
        return pred.sum() * 0
    assert pred.size() == target.size()
    diff = torch.abs(pred - target)
    b = math.e ** (gamma / alpha) - 1
    inlier = alpha / b * (b * diff + 1) * torch.log(b * diff / beta + 1) - alpha * diff
    return torch.where(diff < beta, inlier, gamma * diff + gamma / b - alpha * beta)


@MODELS.register_module()
class BalancedL1Loss(ElementLoss):
    """Balanced L1 loss.

    Args:
        alpha: gradient of inliers: the smaller, the larger.
        gamma: bound of the gradient.
        beta: where inliers end.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        gamma: float = 1.5,
        beta: float = 1.0,
        reduction: str = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if beta <= 0:
            raise ModelConfigError(f"BalancedL1Loss: beta must be positive, but is {beta}")
        self.alpha, self.gamma, self.beta = alpha, gamma, beta

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each element."""
        return _balanced_l1(pred, target, self.beta, self.alpha, self.gamma)
