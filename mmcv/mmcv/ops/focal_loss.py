"""Sigmoid and softmax focal losses on class indices (Lin et al., 2017, arXiv:1708.02002)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REDUCTIONS = ("none", "mean", "sum")


def sigmoid_focal_loss(
    input: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    alpha: float = 0.25,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the focal loss of one binary problem per class.

    Args:
        input: (N, C) logits.
        target: (N,) class indices; C is background.
        gamma: how much well-classified samples count less.
        alpha: share of positives.
        weight: (C,) factor by the class of the target.
        reduction: "none", "sum", or "mean": the sum over N.

    Returns:
        (N, C) or a scalar.
    """
    one_hot = F.one_hot(target.long(), input.shape[1] + 1)[:, :-1].to(input.dtype)
    probability = input.sigmoid()
    wrong = torch.where(one_hot > 0, 1 - probability, probability)
    share = torch.where(one_hot > 0, alpha, 1 - alpha)
    loss = F.binary_cross_entropy_with_logits(input, one_hot, reduction="none")
    return _reduce(share * wrong**gamma * loss, target, weight, reduction)


def softmax_focal_loss(
    input: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    alpha: float = 0.25,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the focal loss of a softmax over classes; see :func:`sigmoid_focal_loss`."""
    log_probability = F.log_softmax(input, 1).gather(1, target.long()[:, None])[:, 0]
    loss = -alpha * (1 - log_probability.exp()) ** gamma * log_probability
    return _reduce(loss, target, weight, reduction)


def _reduce(loss: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if reduction not in REDUCTIONS:
        raise AssertionError(f"reduction must be one of {REDUCTIONS}, but got {reduction!r}")
    if weight is not None:
        factor = torch.cat([weight, weight.new_ones(1)])[target.long()].to(loss.dtype)
        loss = loss * (factor[:, None] if loss.dim() == 2 else factor)
    if reduction == "none":
        return loss
    return loss.sum() / len(target) if reduction == "mean" else loss.sum()


class _FocalLoss(nn.Module):
    weight: Tensor | None

    def __init__(
        self, gamma: float, alpha: float, weight: Tensor | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha
        self.register_buffer("weight", weight)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """Names the settings."""
        return f"gamma={self.gamma}, alpha={self.alpha}, reduction={self.reduction}"


class SigmoidFocalLoss(_FocalLoss):
    """:func:`sigmoid_focal_loss` as a module."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Computes the loss of (N, C) logits and (N,) class indices."""
        return sigmoid_focal_loss(
            input, target, self.gamma, self.alpha, self.weight, self.reduction
        )


class SoftmaxFocalLoss(_FocalLoss):
    """:func:`softmax_focal_loss` as a module."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Computes the loss of (N, C) logits and (N,) class indices."""
        return softmax_focal_loss(
            input, target, self.gamma, self.alpha, self.weight, self.reduction
        )
