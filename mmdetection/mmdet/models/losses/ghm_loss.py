"""Losses that weigh samples by how rare their gradient is (GHM, arXiv:1811.05181)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss
from mmdet.registry import MODELS


class _GradientHarmonized(Loss):
    edges: Tensor
    acc_sum: Tensor

    def __init__(
        self, bins: int, momentum: float, loss_weight: float, reduction: str, last_edge: float
    ) -> None:
        super().__init__(reduction, loss_weight)
        self.bins = bins
        self.momentum = momentum
        edges = [*(i / bins for i in range(bins)), last_edge]
        self.register_buffer("edges", torch.tensor(edges, dtype=torch.float32))
        if momentum > 0:
            self.register_buffer("acc_sum", torch.zeros(bins))

    def weights_of(self, gradient: Tensor, valid: Tensor, total: float) -> Tensor:
        """Returns weights: ``total`` over the (running) number of samples in the same bin.

        Args:
            gradient: norm of each element's gradient.
            valid: which elements count.
            total: number of all that count.
        """
        weights = torch.zeros_like(gradient)
        filled = 0
        for i in range(self.bins):
            inside = (gradient >= self.edges[i]) & (gradient < self.edges[i + 1]) & valid
            number = float(inside.sum())
            if number == 0:
                continue
            filled += 1
            if self.momentum > 0:
                kept = self.momentum * self.acc_sum[i]
                self.acc_sum[i] = kept + (1 - self.momentum) * number
                weights[inside] = total / self.acc_sum[i]
            else:
                weights[inside] = total / number
        return weights / filled if filled else weights


@MODELS.register_module()
class GHMC(_GradientHarmonized):
    """GHM for classification.

    Args:
        bins: number of bins of gradient norms.
        momentum: of the running numbers of samples in them; 0: those of this batch alone.
        use_sigmoid: must be True.
        loss_weight: factor of this loss.
        reduction: "none" or "mean"; there is no "sum".
    """

    def __init__(
        self,
        bins: int = 10,
        momentum: float = 0,
        use_sigmoid: bool = True,
        loss_weight: float = 1.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(bins, momentum, loss_weight, reduction, last_edge=1 + 1e-6)
        if not use_sigmoid:
            raise NotImplementedError("GHMC: only use_sigmoid=True exists")
        self.use_sigmoid = use_sigmoid

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        label_weight: Tensor,
        reduction_override: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of logits (N, C).

        Args:
            pred: logits.
            target: (N, C) of 0 and 1, or (N,) classes, C being background.
            label_weight: the shape of ``target``; positive where a sample counts.
            reduction_override: instead of the reduction of the constructor.
            kwargs: without effect.
        """
        reduction = self.reduction_of(reduction_override)
        pred = at_least_fp32(pred)
        if pred.dim() != target.dim():
            classes = torch.arange(pred.size(-1), device=target.device)
            target = target[:, None] == classes
            label_weight = label_weight[:, None].expand(target.shape)
        target = target.float()
        valid = label_weight.float() > 0
        total = max(float(valid.sum()), 1.0)
        weights = self.weights_of((pred.sigmoid().detach() - target).abs(), valid, total)
        loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none")
        return weight_reduce_loss(loss, weights, reduction, total) * self.loss_weight


@MODELS.register_module()
class GHMR(_GradientHarmonized):
    """GHM for regression.

    Args:
        mu: where the smooth L1-like loss turns linear.
        bins: number of bins of gradient norms.
        momentum: of the running numbers of samples in them; 0: those of this batch alone.
        loss_weight: factor of this loss.
        reduction: "none" or "mean"; there is no "sum".
    """

    def __init__(
        self,
        mu: float = 0.02,
        bins: int = 10,
        momentum: float = 0,
        loss_weight: float = 1.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(bins, momentum, loss_weight, reduction, last_edge=1e3)
        self.mu = mu

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        label_weight: Tensor,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of ``pred`` (N, 4) for ``target``; ``avg_factor`` has no effect."""
        reduction = self.reduction_of(reduction_override)
        diff = at_least_fp32(pred) - target
        root = torch.sqrt(diff * diff + self.mu * self.mu)
        valid = label_weight > 0
        total = max(float(label_weight.float().sum()), 1.0)
        weights = self.weights_of((diff / root).abs().detach(), valid, total)
        return weight_reduce_loss(root - self.mu, weights, reduction, total) * self.loss_weight
