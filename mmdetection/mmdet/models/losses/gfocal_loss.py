"""Generalised focal losses: box quality and distributions of distances (arXiv:2006.04388)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss, weighted_loss
from mmdet.registry import MODELS, ModelConfigError


def _quality_focal(
    pred: Tensor,
    probability: Tensor,
    target: tuple[Tensor, Tensor],
    beta: float,
    entropy: Callable[..., Tensor],
) -> Tensor:
    assert len(target) == 2, "target for QFL must be a tuple of two elements: classes and qualities"
    label, score = target
    # Negatives should have quality 0, positives that of their box.
    loss = entropy(pred, pred.new_zeros(pred.shape), reduction="none") * probability.pow(beta)
    pos = ((label >= 0) & (label < pred.size(1))).nonzero().squeeze(1)
    place = (pos, label[pos].long())
    goal = score[pos].to(pred)
    distance = (goal - probability[place]).abs()
    loss[place] = entropy(pred[place], goal, reduction="none") * distance.pow(beta)
    return loss.sum(dim=1)


@weighted_loss
def quality_focal_loss(pred: Tensor, target: Any, beta: float = 2.0) -> Tensor:
    """Returns the loss (N,) of logits (N, C) for a pair of (N,) classes and (N,) qualities."""
    return _quality_focal(pred, pred.sigmoid(), target, beta, F.binary_cross_entropy_with_logits)


@weighted_loss
def quality_focal_loss_with_prob(pred: Tensor, target: Any, beta: float = 2.0) -> Tensor:
    """Returns the loss (N,) of probabilities (N, C); see :func:`quality_focal_loss`."""
    return _quality_focal(pred, pred, target, beta, F.binary_cross_entropy)


@weighted_loss
def distribution_focal_loss(pred: Tensor, label: Tensor) -> Tensor:
    """Returns the loss (N,) of logits (N, n + 1) over whole distances for distances (N,)."""
    low = label.long()
    return F.cross_entropy(pred, low, reduction="none") * (low + 1 - label) + F.cross_entropy(
        pred, low + 1, reduction="none"
    ) * (label - low)


@MODELS.register_module()
class QualityFocalLoss(Loss):
    """Focal loss whose positives should have the quality of their box as their score.

    Args:
        use_sigmoid: must be True.
        beta: how much well-classified samples count less.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
        activated: whether predictions are probabilities already.
    """

    def __init__(
        self,
        use_sigmoid: bool = True,
        beta: float = 2.0,
        reduction: str = "mean",
        loss_weight: float = 1.0,
        activated: bool = False,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if use_sigmoid is not True:
            raise ModelConfigError("QualityFocalLoss: only use_sigmoid=True is supported")
        self.use_sigmoid = use_sigmoid
        self.beta = beta
        self.activated = activated

    def forward(
        self,
        pred: Tensor,
        target: tuple[Tensor, Tensor],
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of ``pred`` (N, C).

        Args:
            pred: logits; probabilities if ``activated``.
            target: (N,) classes, C being background, and (N,) qualities.
            weight: (N,).
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
        """
        reduction = self.reduction_of(reduction_override)
        criterion = quality_focal_loss_with_prob if self.activated else quality_focal_loss
        loss = criterion(at_least_fp32(pred), target, weight, reduction, avg_factor, beta=self.beta)
        return self.loss_weight * loss


@MODELS.register_module()
class DistributionFocalLoss(Loss):
    """Cross entropy of the two whole distances around the true one.

    Args:
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of logits (N, n + 1) for distances (N,) from 0 to below n."""
        loss = distribution_focal_loss(at_least_fp32(pred), target, reduction="none")
        reduction = self.reduction_of(reduction_override)
        return self.loss_weight * weight_reduce_loss(loss, weight, reduction, avg_factor)
