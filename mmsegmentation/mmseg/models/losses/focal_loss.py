"""Focal loss: cross entropy that easy pixels hardly enter (Lin et al., 2017, arXiv:1708.02002)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg.models.losses.utils import REDUCTIONS, at_least_fp32, weight_reduce_loss
from mmseg.registry import MODELS, ModelConfigError


def py_sigmoid_focal_loss(
    pred: Tensor,
    target: Tensor,
    one_hot_target: Tensor | None = None,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float | list[float] = 0.5,
    class_weight: list[float] | None = None,
    valid_mask: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Returns the focal loss of each class's own decision.

    Args:
        pred: (N, C) logits.
        target: (N, C) 0 or 1, or soft.
        one_hot_target: not used; 1.x has it at this place.
        weight: (N,) or (N, C).
        gamma: how fast the loss falls where the prediction is right.
        alpha: weight of positives (negatives have 1 - alpha); a list gives one for each class.
        class_weight: (C,).
        valid_mask: (N, 1) of counted elements.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
    """
    target = target.type_as(pred)
    balance = pred.new_tensor(alpha) if isinstance(alpha, list) else alpha
    probs = pred.sigmoid()
    miss = (1 - probs) * target + probs * (1 - target)
    focal = (balance * target + (1 - balance) * (1 - target)) * miss.pow(gamma)
    loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none") * focal
    total = torch.ones(1, pred.size(1)).type_as(loss)
    if weight is not None:
        if weight.shape != loss.shape and weight.size(0) == loss.size(0):
            weight = weight.view(-1, 1)
        assert weight.dim() == loss.dim()
        total = total * weight
    if class_weight is not None:
        total = total * pred.new_tensor(class_weight)
    if valid_mask is not None:
        total = total * valid_mask
    return weight_reduce_loss(loss, total, reduction, avg_factor)


@MODELS.register_module()
class FocalLoss(nn.Module):
    """Sigmoid focal loss.

    Args:
        use_sigmoid: must be True.
        gamma: how fast the loss falls where the prediction is right.
        alpha: weight of positives (negatives have 1 - alpha); a list gives one for each class.
        reduction: "none", "mean" or "sum".
        class_weight: one number per class.
        loss_weight: factor of this loss.
        loss_name: key of the loss in the log; must contain "loss" to count.
    """

    def __init__(
        self,
        use_sigmoid: bool = True,
        gamma: float = 2.0,
        alpha: float | list[float] = 0.5,
        reduction: str = "mean",
        class_weight: list[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_focal",
    ) -> None:
        super().__init__()
        _check(use_sigmoid is True, "use_sigmoid", use_sigmoid, "True")
        _check(reduction in REDUCTIONS, "reduction", reduction, REDUCTIONS)
        _check(isinstance(alpha, (float, list)), "alpha", alpha, "a float or a list of floats")
        _check(isinstance(gamma, float), "gamma", gamma, "a float")
        _check(isinstance(loss_weight, float), "loss_weight", loss_weight, "a float")
        _check(isinstance(loss_name, str), "loss_name", loss_name, "a str")
        is_list = class_weight is None or isinstance(class_weight, list)
        _check(is_list, "class_weight", class_weight, "a list or None")
        self.use_sigmoid = use_sigmoid
        self.gamma = gamma
        self.alpha = alpha
        self.reduction = reduction
        self.class_weight = class_weight
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of ``pred`` (B, C, ...) logits, computed in float32.

        Args:
            pred: logits.
            target: (B, ...) classes, or (B, C, ...) 0 or 1.
            weight: (B, ...) of the elements, flat or not, or (B, C, ...).
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            ignore_index: class whose elements have no loss.
            kwargs: what heads give to every loss.
        """
        assert isinstance(ignore_index, int)
        assert reduction_override in (None, *REDUCTIONS)
        assert pred.shape == target.shape or (
            pred.size(0) == target.size(0) and pred.shape[2:] == target.shape[1:]
        ), "The shape of pred doesn't match the shape of target"
        shape = pred.shape
        pred = _classes_last(at_least_fp32(pred))
        if shape == target.shape:
            target = _classes_last(target)
            valid = target.argmax(dim=1, keepdim=True) != ignore_index
        else:
            target = target.reshape(-1)
            valid = (target != ignore_index).view(-1, 1)
            target = F.one_hot(target.where(valid.view(-1), target.new_zeros(())), shape[1])
        reduction = reduction_override or self.reduction
        loss = self.loss_weight * py_sigmoid_focal_loss(
            pred,
            target,
            weight=_flat_weight(weight, shape),
            gamma=self.gamma,
            alpha=self.alpha,
            class_weight=self.class_weight,
            valid_mask=valid,
            reduction=reduction,
            avg_factor=avg_factor,
        )
        if reduction == "none":  # (N, C) -> (B, C, ...)
            loss = loss.t().reshape(shape[1], shape[0], *shape[2:]).transpose(0, 1).contiguous()
        return loss

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name


def _classes_last(x: Tensor) -> Tensor:
    """Returns (B, C, ...) as (N, C), N running over images and pixels."""
    return x.transpose(0, 1).flatten(1).t().contiguous()


def _flat_weight(weight: Tensor | None, shape: torch.Size) -> Tensor | None:
    if weight is None or weight.dim() <= 2:
        return weight
    return _classes_last(weight) if weight.shape == shape else weight.reshape(-1)


def _check(condition: bool, key: str, given: Any, possible: Any) -> None:
    if not condition:
        raise ModelConfigError(f"FocalLoss: {key} must be {possible}, but is {given!r}")
