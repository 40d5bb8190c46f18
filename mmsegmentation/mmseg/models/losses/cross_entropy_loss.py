"""Cross entropy over classes (softmax), per class (sigmoid), or of the mask of one class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmcv.losses import mask_cross_entropy
from mmseg.models.losses.utils import (
    ClassWeight,
    at_least_fp32,
    class_weight_like,
    get_class_weight,
    weight_reduce_loss,
)
from mmseg.registry import MODELS, ModelConfigError


def cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    ignore_index: int = -100,
    avg_non_ignore: bool = False,
) -> Tensor:
    """Softmax cross entropy.

    Args:
        pred: (N, C, ...) logits.
        label: (N, ...) classes.
        weight: (N, ...) of the elements.
        class_weight: (C,).
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
        ignore_index: class whose elements have no loss.
        avg_non_ignore: leave these elements out of the number a "mean" divides by.
    """
    loss = F.cross_entropy(
        pred, label, weight=class_weight, reduction="none", ignore_index=ignore_index
    )
    if avg_factor is None and avg_non_ignore and reduction == "mean":
        avg_factor = (label != ignore_index).sum()
    weight = weight.float() if weight is not None else None
    return weight_reduce_loss(loss, weight, reduction, avg_factor)


def binary_cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    class_weight: Tensor | None = None,
    ignore_index: int = -100,
    avg_non_ignore: bool = False,
) -> Tensor:
    """Sigmoid cross entropy, one independent decision per class.

    Args:
        pred: (N, C) or (N, C, H, W) logits; (N, 1, H, W) decides between classes 0 and 1.
        label: (N,) or (N, H, W) classes; or the shape of ``pred``, 0 or 1 for each class.
        weight: of the elements, the shape of ``label``.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
        class_weight: (C,), multiplies the loss of positives (``pos_weight`` of torch).
        ignore_index: class whose elements have no loss.
        avg_non_ignore: leave these elements out of the number a "mean" divides by.
    """
    if pred.size(1) == 1 and pred.dim() != label.dim():
        pred = pred.squeeze(1)
        counted = label[label != ignore_index]
        assert counted.numel() == 0 or counted.max() <= 1, (
            "For pred with shape [N, 1, H, W], its label must have at most 2 classes"
        )
    if pred.dim() != label.dim():
        assert (pred.dim(), label.dim()) in ((2, 1), (4, 3)), (
            "Only pred shape [N, C], label shape [N] or pred shape [N, C, H, W], "
            "label shape [N, H, W] are supported"
        )
        label, weight, valid = _expand_onehot_labels(label, weight, pred.shape, ignore_index)
    else:
        valid = ((label >= 0) & (label != ignore_index)).float()
        weight = valid if weight is None else weight * valid
    if avg_factor is None and avg_non_ignore and reduction == "mean":
        avg_factor = valid.sum()
    if class_weight is not None and pred.dim() == 4:
        class_weight = class_weight.view(-1, 1, 1)  # pos_weight is matched with the last axis
    loss = F.binary_cross_entropy_with_logits(
        pred, label.float(), pos_weight=class_weight, reduction="none"
    )
    return weight_reduce_loss(loss, weight, reduction, avg_factor)


def _expand_onehot_labels(
    labels: Tensor, label_weights: Tensor | None, target_shape: torch.Size, ignore_index: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns one-hot labels, their weights and the mask of valid elements, in ``target_shape``."""
    valid = (labels >= 0) & (labels != ignore_index)
    one_hot = labels.new_zeros(target_shape)
    index = torch.where(valid, labels, torch.zeros_like(labels)).unsqueeze(1)
    one_hot.scatter_(1, index, valid.unsqueeze(1).to(labels.dtype))
    mask = valid.unsqueeze(1).expand(target_shape).float()
    if label_weights is None:
        return one_hot, mask, mask
    return one_hot, label_weights.unsqueeze(1).expand(target_shape) * mask, mask


@MODELS.register_module()
class CrossEntropyLoss(nn.Module):
    """Cross entropy.

    Args:
        use_sigmoid: decide each class by itself instead of choosing one.
        use_mask: compare only the mask of the element's class (see :func:`mask_cross_entropy`).
        reduction: "none", "mean" or "sum".
        class_weight: one number per class, or a file of them.
        loss_weight: factor of this loss.
        loss_name: key of the loss in the log; must contain "loss" to count.
        avg_non_ignore: average over the pixels that are not ignored instead of over all.
    """

    def __init__(
        self,
        use_sigmoid: bool = False,
        use_mask: bool = False,
        reduction: str = "mean",
        class_weight: ClassWeight = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_ce",
        avg_non_ignore: bool = False,
    ) -> None:
        super().__init__()
        if use_sigmoid and use_mask:
            raise ModelConfigError("only one of use_sigmoid and use_mask can be True")
        self.use_sigmoid = use_sigmoid
        self.use_mask = use_mask
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.class_weight = get_class_weight(class_weight)
        self.avg_non_ignore = avg_non_ignore
        self.cls_criterion: Callable[..., Tensor] = cross_entropy
        if use_sigmoid:
            self.cls_criterion = binary_cross_entropy
        elif use_mask:
            self.cls_criterion = mask_cross_entropy
        self._loss_name = loss_name

    def extra_repr(self) -> str:
        """Returns what tells this loss from another of its class."""
        return f"avg_non_ignore={self.avg_non_ignore}"

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = -100,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of ``cls_score`` (N, C, ...), computed in float32.

        Args:
            cls_score: logits.
            label: (N, ...) classes; masks if ``use_mask``.
            weight: of the elements; the classes of the masks if ``use_mask``.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            ignore_index: class whose elements have no loss.
            kwargs: further arguments of the criterion.
        """
        assert reduction_override in (None, "none", "mean", "sum")
        cls_score = at_least_fp32(cls_score)
        return self.loss_weight * self.cls_criterion(
            cls_score,
            label,
            weight,
            class_weight=class_weight_like(self.class_weight, cls_score),
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
            avg_non_ignore=self.avg_non_ignore,
            ignore_index=ignore_index,
            **kwargs,
        )

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name
