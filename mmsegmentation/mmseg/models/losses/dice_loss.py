"""Dice loss, one minus the overlap of prediction and truth (V-Net, Milletari et al., 2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg.models.losses.utils import (
    ClassWeight,
    at_least_fp32,
    class_weight_like,
    get_class_weight,
    weighted_loss,
)
from mmseg.registry import MODELS


@weighted_loss
def dice_loss(
    pred: Tensor,
    target: Tensor,
    valid_mask: Tensor,
    smooth: float = 1,
    exponent: float = 2,
    class_weight: Tensor | None = None,
    ignore_index: int | None = 255,
) -> Tensor:
    """Returns the mean over the classes of their binary dice losses.

    Args:
        pred: (B, C, ...) probabilities.
        target: (B, ..., C) one-hot.
        valid_mask: (B, ...) 1 where a pixel counts as overlap.
        smooth: added to numerator and denominator.
        exponent: of the probabilities in the denominator.
        class_weight: (C,).
        ignore_index: a class that is left out of the sum.
    """
    assert pred.shape[0] == target.shape[0]
    total = pred.new_zeros(())
    for i in range(pred.shape[1]):
        if i == ignore_index:
            continue
        loss = binary_dice_loss(
            pred[:, i], target[..., i], valid_mask=valid_mask, smooth=smooth, exponent=exponent
        )
        total = total + (loss if class_weight is None else loss * class_weight[i])
    return total / pred.shape[1]


@weighted_loss
def binary_dice_loss(
    pred: Tensor, target: Tensor, valid_mask: Tensor, smooth: float = 1, exponent: float = 2
) -> Tensor:
    """Returns the dice loss of each image, (B,), for one class.

    The denominator runs over all pixels, ignored ones too, as in 1.x.
    """
    assert pred.shape[0] == target.shape[0]
    pred, target, valid_mask = (x.flatten(1) for x in (pred, target, valid_mask))
    overlap = (pred * target * valid_mask).sum(1) * 2 + smooth
    return 1 - overlap / ((pred.pow(exponent) + target.pow(exponent)).sum(1) + smooth)


@MODELS.register_module()
class DiceLoss(nn.Module):
    """Dice loss over softmax probabilities.

    Args:
        smooth: added to numerator and denominator.
        exponent: of the probabilities in the denominator.
        reduction: "none", "mean" or "sum".
        class_weight: one number per class, or a file of them.
        loss_weight: factor of this loss.
        ignore_index: label that is not counted. The head's own is not used.
        loss_name: key of the loss in the log; must contain "loss" to count.
    """

    def __init__(
        self,
        smooth: float = 1,
        exponent: float = 2,
        reduction: str = "mean",
        class_weight: ClassWeight = None,
        loss_weight: float = 1.0,
        ignore_index: int = 255,
        loss_name: str = "loss_dice",
    ) -> None:
        super().__init__()
        self.smooth = smooth
        self.exponent = exponent
        self.reduction = reduction
        self.class_weight = get_class_weight(class_weight)
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        self._loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of ``pred`` (B, C, ...) logits, computed in float32.

        Args:
            pred: logits.
            target: (B, ...) classes.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            kwargs: what heads give to every loss (weight, ignore_index); not used here.
        """
        assert reduction_override in (None, "none", "mean", "sum")
        probs = F.softmax(at_least_fp32(pred), dim=1)
        num_classes = probs.shape[1]
        one_hot = F.one_hot(torch.clamp(target.long(), 0, num_classes - 1), num_classes)
        return self.loss_weight * dice_loss(
            probs,
            one_hot,
            valid_mask=(target != self.ignore_index).long(),
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
            smooth=self.smooth,
            exponent=self.exponent,
            class_weight=class_weight_like(self.class_weight, probs),
            ignore_index=self.ignore_index,
        )

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name
