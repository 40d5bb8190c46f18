"""Focal loss: well-classified samples count less (Lin et al., 2017, arXiv:1708.02002)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss
from mmdet.registry import MODELS, ModelConfigError


def py_sigmoid_focal_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float = 0.25,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Focal loss of logits.

    Args:
        pred: (N, C) logits.
        target: (N, C), 0 or 1.
        weight: (N,) or (N, C).
        gamma: how much well-classified samples count less.
        alpha: share of positives.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
    """
    target = target.type_as(pred)
    loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none")
    loss = loss * _focus(pred.sigmoid(), target, gamma, alpha)
    return weight_reduce_loss(loss, _like(weight, loss), reduction, avg_factor)


def py_focal_loss_with_prob(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float = 0.25,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Focal loss of probabilities (N, C) for classes (N,), C being background."""
    target = _one_hot(target, pred)
    loss = F.binary_cross_entropy(pred, target, reduction="none")
    loss = loss * _focus(pred, target, gamma, alpha)
    return weight_reduce_loss(loss, _like(weight, loss), reduction, avg_factor)


def sigmoid_focal_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float = 0.25,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Focal loss of logits (N, C) for classes (N,), C being background."""
    return py_sigmoid_focal_loss(
        pred, _one_hot(target, pred), weight, gamma, alpha, reduction, avg_factor
    )


def _focus(probability: Tensor, target: Tensor, gamma: float, alpha: float) -> Tensor:
    wrong = (1 - probability) * target + probability * (1 - target)
    return (alpha * target + (1 - alpha) * (1 - target)) * wrong.pow(gamma)


def _one_hot(target: Tensor, like: Tensor) -> Tensor:
    classes = torch.arange(like.size(1), device=target.device)
    return (target[:, None] == classes).to(like)


def _like(weight: Tensor | None, loss: Tensor) -> Tensor | None:
    """Returns weights (N,), (N, 1) or (N * C,) in a shape that broadcasts with (N, C)."""
    if weight is None or weight.shape == loss.shape:
        return weight
    if weight.size(0) == loss.size(0):
        return weight.view(-1, 1)
    assert weight.numel() == loss.numel(), (
        f"weight {tuple(weight.shape)} does not fit the loss {tuple(loss.shape)}"
    )
    return weight.view(loss.size(0), -1)


@MODELS.register_module()
class FocalLoss(Loss):
    """Focal loss.

    Args:
        use_sigmoid: must be True.
        gamma: how much well-classified samples count less.
        alpha: share of positives.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
        activated: whether predictions are probabilities already.
    """

    def __init__(
        self,
        use_sigmoid: bool = True,
        gamma: float = 2.0,
        alpha: float = 0.25,
        reduction: str = "mean",
        loss_weight: float = 1.0,
        activated: bool = False,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if use_sigmoid is not True:
            raise ModelConfigError("FocalLoss: only use_sigmoid=True is supported")
        self.use_sigmoid = use_sigmoid
        self.gamma = gamma
        self.alpha = alpha
        self.activated = activated

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of ``pred`` (N, C) for classes (N,), C being background.

        Args:
            pred: logits; probabilities if ``activated``.
            target: classes, or (N, C) of 0 and 1 with logits.
            weight: (N,) or (N, C).
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
        """
        reduction = self.reduction_of(reduction_override)
        criterion = py_focal_loss_with_prob if self.activated else sigmoid_focal_loss
        if target.dim() == pred.dim() > 1 and not self.activated:
            criterion = py_sigmoid_focal_loss
        return self.loss_weight * criterion(
            at_least_fp32(pred), target, weight, self.gamma, self.alpha, reduction, avg_factor
        )
