"""Seesaw loss for long-tailed classes (Wang et al., 2021, arXiv:2008.10032)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.accuracy import accuracy
from mmdet.models.losses.cross_entropy_loss import cross_entropy
from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss
from mmdet.registry import MODELS, ModelConfigError


def seesaw_ce_loss(
    cls_score: Tensor,
    labels: Tensor,
    label_weights: Tensor | None,
    cum_samples: Tensor,
    num_classes: int,
    p: float,
    q: float,
    eps: float,
    reduction: str = "mean",
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Cross entropy that pushes rare classes down less.

    Args:
        cls_score: (N, C) logits.
        labels: (N,) classes.
        label_weights: (N,).
        cum_samples: (C,) samples of each class so far.
        num_classes: C.
        p: strength of the mitigation, for classes rarer than the true one.
        q: strength of the compensation, for classes scored above the true one.
        eps: lower bound of the true class's score there.
        reduction: "none", "mean" or "sum".
        avg_factor: what a "mean" divides by.
    """
    assert cls_score.size(-1) == num_classes
    assert len(cum_samples) == num_classes
    one_hot = F.one_hot(labels, num_classes)
    factors = cls_score.new_ones(one_hot.size())
    if p > 0:
        seen = cum_samples.clamp(min=1)
        ratio = (seen[None, :] / seen[:, None])[labels.long()]
        factors = factors * torch.where(ratio < 1.0, ratio.pow(p), 1.0)
    if q > 0:
        scores = F.softmax(cls_score.detach(), dim=1)
        own = scores.gather(1, labels.long()[:, None])
        ratio = scores / own.clamp(min=eps)
        factors = factors * torch.where(ratio > 1.0, ratio.pow(q), 1.0)
    logits = cls_score + factors.log() * (1 - one_hot)
    loss = F.cross_entropy(logits, labels, reduction="none")
    weights = None if label_weights is None else label_weights.float()
    return weight_reduce_loss(loss, weights, reduction, avg_factor)


@MODELS.register_module()
class SeesawLoss(Loss):
    """Seesaw loss over classes and a softmax over object and background.

    Args:
        use_sigmoid: must be False.
        p: strength of the mitigation.
        q: strength of the compensation.
        num_classes: without background.
        eps: lower bound of a score that is divided by.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
        return_dict: return both terms by name instead of their sum.
    """

    cum_samples: Tensor

    def __init__(
        self,
        use_sigmoid: bool = False,
        p: float = 0.8,
        q: float = 2.0,
        num_classes: int = 1203,
        eps: float = 1e-2,
        reduction: str = "mean",
        loss_weight: float = 1.0,
        return_dict: bool = True,
    ) -> None:
        super().__init__(reduction, loss_weight)
        if use_sigmoid:
            raise ModelConfigError("SeesawLoss: use_sigmoid must be False")
        self.use_sigmoid = False
        self.p = p
        self.q = q
        self.num_classes = num_classes
        self.eps = eps
        self.return_dict = return_dict
        self.cls_criterion = seesaw_ce_loss
        self.register_buffer("cum_samples", torch.zeros(num_classes + 1, dtype=torch.float))
        # Ask the box head for two more channels, and for activation and accuracy from here.
        self.custom_cls_channels = True
        self.custom_activation = True
        self.custom_accuracy = True

    def _split(self, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        assert cls_score.size(-1) == self.num_classes + 2
        return cls_score[..., :-2], cls_score[..., -2:]

    def get_cls_channels(self, num_classes: int) -> int:
        """Returns how many channels the box head needs."""
        assert num_classes == self.num_classes
        return num_classes + 2

    def get_activation(self, cls_score: Tensor) -> Tensor:
        """Returns scores (N, C + 1), background last, of logits (N, C + 2)."""
        classes, objectness = (part.softmax(-1) for part in self._split(cls_score))
        return torch.cat([classes * objectness[..., [0]], objectness[..., [1]]], dim=-1)

    def get_accuracy(self, cls_score: Tensor, labels: Tensor) -> dict[str, Any]:
        """Returns the accuracies of object against background and among the classes."""
        classes, objectness = self._split(cls_score)
        positive = labels < self.num_classes
        return {
            "acc_objectness": accuracy(objectness, (~positive).long()),
            "acc_classes": accuracy(classes[positive], labels[positive]),
        }

    def forward(
        self,
        cls_score: Tensor,
        labels: Tensor,
        label_weights: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Returns the loss of logits (N, C + 2) for classes (N,), C being background."""
        reduction = self.reduction_of(reduction_override)
        classes, objectness = self._split(at_least_fp32(cls_score))
        positive = labels < self.num_classes
        counts = torch.bincount(labels.view(-1), minlength=self.num_classes + 1)
        self.cum_samples += counts.to(self.cum_samples)
        weights = objectness.new_ones(labels.size()) if label_weights is None else label_weights
        if positive.any():
            loss_classes = self.loss_weight * self.cls_criterion(
                classes[positive],
                labels[positive],
                weights[positive],
                self.cum_samples[: self.num_classes],
                self.num_classes,
                self.p,
                self.q,
                self.eps,
                reduction,
                avg_factor,
            )
        else:
            loss_classes = classes[positive].sum()
        loss_objectness = self.loss_weight * cross_entropy(
            objectness, (~positive).long(), weights, reduction, avg_factor
        )
        if self.return_dict:
            return {"loss_cls_objectness": loss_objectness, "loss_cls_classes": loss_classes}
        return loss_classes + loss_objectness
