"""Lovász losses: a convex surrogate of the IoU (Berman et al., 2018, arXiv:1705.08790).

Errors are sorted, and each is weighted by how much the Jaccard loss grows when that pixel joins the
wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg.models.losses.utils import (
    ClassWeight,
    at_least_fp32,
    class_weight_like,
    get_class_weight,
    weight_reduce_loss,
)
from mmseg.registry import MODELS, ModelConfigError

Classes = str | list[int]


def lovasz_grad(gt_sorted: Tensor) -> Tensor:
    """Returns the growth of the Jaccard loss with each further error.

    Args:
        gt_sorted: (N,) 1 for pixels of the class, in the order of descending error.
    """
    total = gt_sorted.sum()
    intersection = total - gt_sorted.float().cumsum(0)
    union = total + (1 - gt_sorted).float().cumsum(0)
    jaccard = 1.0 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def flatten_binary_logits(
    logits: Tensor, labels: Tensor, ignore_index: int | None = None
) -> tuple[Tensor, Tensor]:
    """Returns logits and labels (N,) of the pixels that are not ignored."""
    logits, labels = logits.reshape(-1), labels.reshape(-1)
    if ignore_index is None:
        return logits, labels
    valid = labels != ignore_index
    return logits[valid], labels[valid]


def flatten_probs(
    probs: Tensor, labels: Tensor, ignore_index: int | None = None
) -> tuple[Tensor, Tensor]:
    """Returns probabilities (N, C) and labels (N,) of the pixels that are not ignored.

    Args:
        probs: (B, C, H, W), or (B, H, W) for one class.
        labels: (B, H, W).
        ignore_index: label of pixels to leave out.
    """
    if probs.dim() == 3:
        probs = probs.unsqueeze(1)
    probs = probs.permute(0, 2, 3, 1).reshape(-1, probs.size(1))
    labels = labels.reshape(-1)
    if ignore_index is None:
        return probs, labels
    valid = labels != ignore_index
    return probs[valid], labels[valid]


def lovasz_hinge_flat(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the binary loss of ``logits`` (N,) for ``labels`` (N,), 0 or 1."""
    if len(labels) == 0:
        return logits.sum() * 0.0
    signs = 2.0 * labels.float() - 1.0
    errors, order = torch.sort(1.0 - logits * signs, dim=0, descending=True)
    return torch.dot(F.relu(errors), lovasz_grad(labels[order]))


def lovasz_hinge(
    logits: Tensor,
    labels: Tensor,
    classes: Classes = "present",
    per_image: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Binary Lovász hinge loss.

    Args:
        logits: (B, H, W).
        labels: (B, H, W), 0 or 1.
        classes: without effect; the two losses are called alike.
        per_image: one loss for each image, reduced, instead of one over all pixels.
        class_weight: without effect.
        reduction: of the losses of the images.
        avg_factor: what a "mean" divides by.
        ignore_index: label of pixels to leave out.
    """
    if not per_image:
        return lovasz_hinge_flat(*flatten_binary_logits(logits, labels, ignore_index))
    losses = [
        lovasz_hinge_flat(*flatten_binary_logits(logit, label, ignore_index))
        for logit, label in zip(logits, labels, strict=True)
    ]
    return weight_reduce_loss(torch.stack(losses), None, reduction, avg_factor)


def lovasz_softmax_flat(
    probs: Tensor,
    labels: Tensor,
    classes: Classes = "present",
    class_weight: Tensor | None = None,
) -> Tensor:
    """Returns the mean over classes of their binary losses.

    Args:
        probs: (N, C), of sum 1.
        labels: (N,).
        classes: "all", "present" (those that occur in ``labels``), or a list of classes.
        class_weight: (C,).
    """
    if probs.numel() == 0:
        return probs.sum() * 0.0
    num_classes = probs.size(1)
    chosen = list(range(num_classes)) if isinstance(classes, str) else classes
    if num_classes == 1 and len(chosen) > 1:
        raise ValueError("Sigmoid output possible only with 1 class")
    losses = []
    for c in chosen:
        truth = (labels == c).float()
        if classes == "present" and truth.sum() == 0:
            continue
        prob = probs[:, 0 if num_classes == 1 else c]
        errors, order = torch.sort((truth - prob).abs(), 0, descending=True)
        loss = torch.dot(errors, lovasz_grad(truth[order]))
        losses.append(loss if class_weight is None else loss * class_weight[c])
    return torch.stack(losses).mean()


def lovasz_softmax(
    probs: Tensor,
    labels: Tensor,
    classes: Classes = "present",
    per_image: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Multi-class Lovász loss.

    Args:
        probs: (B, C, H, W), of sum 1 over C.
        labels: (B, H, W).
        classes: "all", "present" (those that occur in ``labels``), or a list of classes.
        per_image: one loss for each image, reduced, instead of one over all pixels.
        class_weight: (C,).
        reduction: of the losses of the images.
        avg_factor: what a "mean" divides by.
        ignore_index: label of pixels to leave out.
    """
    if not per_image:
        flat = flatten_probs(probs, labels, ignore_index)
        return lovasz_softmax_flat(*flat, classes=classes, class_weight=class_weight)
    losses = [
        lovasz_softmax_flat(
            *flatten_probs(prob.unsqueeze(0), label.unsqueeze(0), ignore_index),
            classes=classes,
            class_weight=class_weight,
        )
        for prob, label in zip(probs, labels, strict=True)
    ]
    return weight_reduce_loss(torch.stack(losses), None, reduction, avg_factor)


@MODELS.register_module()
class LovaszLoss(nn.Module):
    """Lovász loss.

    Args:
        loss_type: "binary" (hinge) or "multi_class" (softmax).
        classes: "all", "present" (those that occur in the labels), or a list of classes.
        per_image: one loss for each image, reduced, instead of one over all pixels.
        reduction: of the losses of the images; "none" if ``per_image`` is False.
        class_weight: one number per class, or a file of them.
        loss_weight: factor of this loss.
        loss_name: key of the loss in the log; must contain "loss" to count.
    """

    def __init__(
        self,
        loss_type: str = "multi_class",
        classes: Classes = "present",
        per_image: bool = False,
        reduction: str = "mean",
        class_weight: ClassWeight = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_lovasz",
    ) -> None:
        super().__init__()
        if loss_type not in ("binary", "multi_class"):
            raise ModelConfigError(
                f"loss_type should be 'binary' or 'multi_class', but is {loss_type!r}"
            )
        is_list = isinstance(classes, list) and all(isinstance(c, int) for c in classes)
        if not (classes in ("all", "present") or is_list):
            raise ModelConfigError(
                f"classes should be 'all', 'present' or a list of int, but is {classes!r}"
            )
        if not per_image and reduction != "none":
            raise ModelConfigError(
                f"reduction should be 'none' when per_image is False, but is {reduction!r}"
            )
        self.cls_criterion: Callable[..., Tensor] = lovasz_softmax
        if loss_type == "binary":
            self.cls_criterion = lovasz_hinge
        self.classes: Classes = classes
        self.per_image = per_image
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.class_weight = get_class_weight(class_weight)
        self._loss_name = loss_name

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of logits, computed in float32.

        Args:
            cls_score: (B, C, H, W) logits; (B, H, W) for "binary".
            label: (B, H, W).
            weight: not used.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            kwargs: ``ignore_index``.
        """
        assert reduction_override in (None, "none", "mean", "sum")
        cls_score = at_least_fp32(cls_score)
        if self.cls_criterion is lovasz_softmax:
            cls_score = F.softmax(cls_score, dim=1)
        return self.loss_weight * self.cls_criterion(
            cls_score,
            label,
            self.classes,
            self.per_image,
            class_weight=class_weight_like(self.class_weight, cls_score),
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
            **kwargs,
        )

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name
