"""Cross entropy over classes (softmax), per class (sigmoid), or of the mask of one class."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mmcv.losses import (
    ClassWeight,
    at_least_fp32,
    class_weight_like,
    get_class_weight,
    mask_cross_entropy,
    weight_reduce_loss,
)
from mmdet.models.losses.utils import Loss
from mmdet.registry import MODELS, ModelConfigError

logger = logging.getLogger(__name__)

__all__ = ["CrossEntropyLoss", "binary_cross_entropy", "cross_entropy", "mask_cross_entropy"]


def cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    avg_non_ignore: bool = False,
) -> Tensor:
    """Softmax cross entropy.

    Args:
        pred: (N, C, ...) logits.
        label: (N, ...) classes.
        weight: (N, ...) of the elements.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
        class_weight: (C,).
        ignore_index: class whose elements have no loss; None: -100.
        avg_non_ignore: leave these elements out of the number a "mean" divides by.
    """
    ignored = -100 if ignore_index is None else ignore_index
    loss = F.cross_entropy(pred, label, class_weight, ignore_index=ignored, reduction="none")
    if avg_factor is None and avg_non_ignore and reduction == "mean":
        avg_factor = (label != ignored).sum()
    return weight_reduce_loss(
        loss, None if weight is None else weight.float(), reduction, avg_factor
    )


def expand_onehot_labels(
    labels: Tensor, label_weights: Tensor | None, label_channels: int, ignore_index: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns one-hot labels, their weights and which are valid, all (N, C).

    Args:
        labels: (N,) classes; C (background) gives a row of zeros.
        label_weights: (N,).
        label_channels: C.
        ignore_index: class that is not valid, as negative ones are not.
    """
    valid = (labels >= 0) & (labels != ignore_index)
    classes = torch.arange(label_channels, device=labels.device)
    one_hot = ((labels[:, None] == classes) & valid[:, None]).to(labels.dtype)
    mask = valid[:, None].expand(-1, label_channels).float()
    return one_hot, mask if label_weights is None else label_weights[:, None] * mask, mask


def binary_cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    avg_non_ignore: bool = False,
) -> Tensor:
    """Sigmoid cross entropy, one independent decision per class.

    Args:
        pred: (N, C) logits, or (N,).
        label: (N,) classes, C being background; or the shape of ``pred``, 0 or 1 for each class.
        weight: of the elements, the shape of ``label``.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
        class_weight: (C,), multiplies the loss of positives (``pos_weight`` of torch).
        ignore_index: class whose elements have no loss; None: -100.
        avg_non_ignore: leave these elements out of the number a "mean" divides by.
    """
    ignored = -100 if ignore_index is None else ignore_index
    if pred.dim() != label.dim():
        label, weight, valid = expand_onehot_labels(label, weight, pred.size(-1), ignored)
    else:
        valid = ((label >= 0) & (label != ignored)).float()
        weight = valid if weight is None else weight * valid
    if avg_factor is None and avg_non_ignore and reduction == "mean":
        avg_factor = valid.sum()
    loss = F.binary_cross_entropy_with_logits(
        pred, label.to(pred.dtype), pos_weight=class_weight, reduction="none"
    )
    return weight_reduce_loss(loss, weight.float(), reduction, avg_factor)


@MODELS.register_module()
class CrossEntropyLoss(Loss):
    """Cross entropy.

    Args:
        use_sigmoid: decide each class by itself instead of choosing one.
        use_mask: compare only the mask of the element's class.
        reduction: "none", "mean" or "sum".
        class_weight: one number per class, or a file of them.
        ignore_index: class whose elements have no loss; None: -100.
        loss_weight: factor of this loss.
        avg_non_ignore: average over the elements that are not ignored instead of over all.
    """

    def __init__(
        self,
        use_sigmoid: bool = False,
        use_mask: bool = False,
        reduction: str = "mean",
        class_weight: ClassWeight = None,
        ignore_index: int | None = None,
        loss_weight: float = 1.0,
        avg_non_ignore: bool = False,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if use_sigmoid and use_mask:
            raise ModelConfigError("only one of use_sigmoid and use_mask can be True")
        self.use_sigmoid = use_sigmoid
        self.use_mask = use_mask
        self.class_weight = get_class_weight(class_weight)
        self.ignore_index = ignore_index
        self.avg_non_ignore = avg_non_ignore
        if ignore_index is not None and not avg_non_ignore and reduction == "mean":
            logger.warning(
                "ignore_index is given, but the loss is averaged over ignored elements too:"
                " avg_non_ignore=True averages over the others, as torch does"
            )
        self.cls_criterion: Callable[..., Tensor] = cross_entropy
        if use_sigmoid:
            self.cls_criterion = binary_cross_entropy
        elif use_mask:
            self.cls_criterion = mask_cross_entropy

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
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of ``cls_score`` (N, C, ...), computed in float32.

        Args:
            cls_score: logits.
            label: (N, ...) classes; masks if ``use_mask``.
            weight: of the elements; the classes of the masks if ``use_mask``.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            ignore_index: instead of the class of the constructor.
            kwargs: further arguments of the criterion.
        """
        logits = at_least_fp32(cls_score)
        options = {
            "class_weight": class_weight_like(self.class_weight, logits),
            "reduction": self.reduction_of(reduction_override),
            "avg_factor": avg_factor,
            "ignore_index": self.ignore_index if ignore_index is None else ignore_index,
            "avg_non_ignore": self.avg_non_ignore,
        }
        return self.loss_weight * self.cls_criterion(logits, label, weight, **options, **kwargs)
