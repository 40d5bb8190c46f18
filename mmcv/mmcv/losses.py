"""What the losses of both tasks share: weights, reductions, cross entropy of masks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmcv.registry import ConfigError

ClassWeight = list[float] | np.ndarray | str | None
REDUCTIONS = ("none", "mean", "sum")


def at_least_fp32(x: Tensor) -> Tensor:
    """Returns half-precision tensors as float32, others as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def get_class_weight(class_weight: ClassWeight) -> list[float] | np.ndarray | None:
    """Returns class weights, read from a file if a path is given.

    Args:
        class_weight: one number per class, or an .npy, .json, .yaml or .pkl file that holds them.
    """
    if not isinstance(class_weight, str):
        return class_weight
    if class_weight.endswith(".npy"):
        return np.load(class_weight)
    from mmcv.fileio import load

    return load(class_weight)


def class_weight_like(class_weight: Any, logits: Tensor) -> Tensor | None:
    """Returns the weights of the classes (C,) on the device of ``logits`` (B, C, ...).

    Raises:
        ConfigError: there are not as many weights as classes.
    """
    if class_weight is None:
        return None
    weight = logits.new_tensor(class_weight)
    if logits.size(1) > 1 and weight.numel() not in (1, logits.size(1)):
        raise ConfigError(
            f"class_weight has {weight.numel()} numbers, but there are {logits.size(1)} classes"
        )
    return weight


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """Returns ``loss`` as it is ("none"), its "mean" (0 if it has no elements) or its "sum"."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction (of {REDUCTIONS})")
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" and loss.numel() else loss.sum()


def weight_reduce_loss(
    loss: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Weighs a loss by element and reduces it.

    Args:
        loss: of each element.
        weight: of each element; broadcast.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides the sum by instead of the number of elements.
    """
    if weight is not None:
        loss = loss * weight
    if avg_factor is None:
        return reduce_loss(loss, reduction)
    if reduction == "mean":
        # The smallest float32 keeps a batch without any counted element at 0 instead of NaN.
        return loss.sum() / (avg_factor + torch.finfo(torch.float32).eps)
    if reduction != "none":
        raise ValueError('avg_factor can not be used with reduction="sum"')
    return loss


def weighted_loss(loss_func: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Gives ``f(pred, target, **kwargs)`` the arguments ``weight``, ``reduction``, ``avg_factor``.

    Use as a decorator of a function that returns the loss of each element; the result is called as
    ``f(pred, target, weight=None, reduction='mean', avg_factor=None, **kwargs)``.
    """

    @functools.wraps(loss_func)
    def wrapper(
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        reduction: str = "mean",
        avg_factor: float | Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        loss = loss_func(pred, target, **kwargs)
        return weight_reduce_loss(loss, weight, reduction, avg_factor)

    return wrapper


def mask_cross_entropy(
    pred: Tensor,
    target: Tensor,
    label: Tensor,
    reduction: str = "mean",
    avg_factor: float | None = None,
    class_weight: Tensor | None = None,
    ignore_index: int | None = None,
    **kwargs: Any,
) -> Tensor:
    """Sigmoid cross entropy of the mask of each element's own class.

    Args:
        pred: (N, C, ...) logits.
        target: (N, ...) masks, 0 or 1.
        label: (N,) class of each mask.
        reduction: only "mean".
        avg_factor: only None.
        class_weight: weight of the elements, broadcast to ``target``.
        ignore_index: only None.
        kwargs: without effect; accepted because the three losses are called alike.

    Returns:
        (1,)
    """
    assert ignore_index is None, "BCE loss does not support ignore_index"
    assert reduction == "mean" and avg_factor is None
    own = pred[torch.arange(len(pred), device=pred.device), label]
    loss = F.binary_cross_entropy_with_logits(own, target, weight=class_weight, reduction="mean")
    return loss[None]
