"""Varifocal loss: positives weighed by the quality of their box (arXiv:2008.13367)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss
from mmdet.registry import MODELS, ModelConfigError


def varifocal_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    alpha: float = 0.75,
    gamma: float = 2.0,
    iou_weighted: bool = True,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Varifocal loss.

    Args:
        pred: (N, C) logits.
        target: (N, C) qualities, 0 for negatives.
        weight: the shape of ``pred``.
        alpha: factor of negatives.
        gamma: how much easy negatives count less.
        iou_weighted: whether positives count as much as their quality.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
    """
    assert pred.size() == target.size()
    target = target.type_as(pred)
    positive = (target > 0.0).float()
    focus = alpha * (pred.sigmoid() - target).abs().pow(gamma) * (target <= 0.0).float()
    focus = focus + (target * positive if iou_weighted else positive)
    loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none") * focus
    return weight_reduce_loss(loss, weight, reduction, avg_factor)


@MODELS.register_module()
class VarifocalLoss(Loss):
    """Varifocal loss.

    Args:
        use_sigmoid: must be True.
        alpha: factor of negatives.
        gamma: how much easy negatives count less.
        iou_weighted: whether positives count as much as their quality.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def __init__(
        self,
        use_sigmoid: bool = True,
        alpha: float = 0.75,
        gamma: float = 2.0,
        iou_weighted: bool = True,
        reduction: str = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if use_sigmoid is not True:
            raise ModelConfigError("VarifocalLoss: only use_sigmoid=True is supported")
        if alpha < 0.0:
            raise ModelConfigError(f"VarifocalLoss: alpha must not be negative, but is {alpha}")
        self.use_sigmoid = use_sigmoid
        self.alpha, self.gamma, self.iou_weighted = alpha, gamma, iou_weighted

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of logits (N, C) for qualities (N, C)."""
        return self.loss_weight * varifocal_loss(
            at_least_fp32(pred),
            target,
            weight,
            self.alpha,
            self.gamma,
            self.iou_weighted,
            reduction=self.reduction_of(reduction_override),
            avg_factor=avg_factor,
        )
