"""Dice loss of masks (V-Net, arXiv:1606.04797)."""

from __future__ import annotations

from torch import Tensor

from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss
from mmdet.registry import MODELS, ModelConfigError


def dice_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    eps: float = 1e-3,
    reduction: str = "mean",
    naive_dice: bool = False,
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Dice loss.

    Args:
        pred: (N, ...) probabilities.
        target: (N, ...), 0 or 1.
        weight: (N,).
        eps: keeps empty masks off 0 / 0.
        reduction: "none", "mean" or "sum".
        naive_dice: sums in the denominator instead of sums of squares.
        avg_factor: what a "mean" divides by.
    """
    pred, target = pred.flatten(1), target.flatten(1).float()
    common = (pred * target).sum(1)
    if naive_dice:
        dice = (2 * common + eps) / (pred.sum(1) + target.sum(1) + eps)
    else:
        dice = 2 * common / (((pred * pred).sum(1) + eps) + ((target * target).sum(1) + eps))
    loss = 1 - dice
    if weight is not None:
        assert weight.ndim == loss.ndim
        assert len(weight) == len(pred)
    return weight_reduce_loss(loss, weight, reduction, avg_factor)


@MODELS.register_module()
class DiceLoss(Loss):
    """Dice loss.

    Args:
        use_sigmoid: how predictions become probabilities; must be True if ``activate``.
        activate: whether they are logits.
        reduction: "none", "mean" or "sum".
        naive_dice: sums in the denominator instead of sums of squares.
        loss_weight: factor of this loss.
        eps: keeps empty masks off 0 / 0.
    """

    def __init__(
        self,
        use_sigmoid: bool = True,
        activate: bool = True,
        reduction: str = "mean",
        naive_dice: bool = False,
        loss_weight: float = 1.0,
        eps: float = 1e-3,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if activate and not use_sigmoid:
            raise DiceActivationError("DiceLoss: with activate=True only use_sigmoid=True exists")
        self.use_sigmoid = use_sigmoid
        self.naive_dice = naive_dice
        self.eps = eps
        self.activate = activate

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        reduction_override: str | None = None,
        avg_factor: float | Tensor | None = None,
    ) -> Tensor:
        """Returns the loss of masks (N, ...); the order of the last two arguments is 1.x's."""
        pred = at_least_fp32(pred)
        return self.loss_weight * dice_loss(
            pred.sigmoid() if self.activate else pred,
            target,
            weight,
            eps=self.eps,
            reduction=self.reduction_of(reduction_override),
            naive_dice=self.naive_dice,
            avg_factor=avg_factor,
        )


class DiceActivationError(ModelConfigError, NotImplementedError):
    """Logits without a sigmoid (1.x raised ``NotImplementedError``)."""
