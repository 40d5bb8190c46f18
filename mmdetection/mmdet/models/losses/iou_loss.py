"""Losses on the overlap of boxes: IoU, bounded, generalised, distance and complete IoU."""

from __future__ import annotations

import logging
import math
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.iou import bbox_overlaps
from mmdet.models.losses.utils import Loss, at_least_fp32, weight_reduce_loss, weighted_loss
from mmdet.registry import MODELS, ModelConfigError

logger = logging.getLogger(__name__)
MODES = ("linear", "square", "log")


def _iou(
    pred: Tensor, target: Tensor, linear: bool = False, mode: str = "log", eps: float = 1e-6
) -> Tensor:
    mode = "linear" if linear else mode
    assert mode in MODES
    ious = bbox_overlaps(pred, target, is_aligned=True).clamp(min=eps)
    if mode == "linear":
        return 1 - ious
    return 1 - ious**2 if mode == "square" else -ious.log()


def _bounded_iou(pred: Tensor, target: Tensor, beta: float = 0.2, eps: float = 1e-3) -> Tensor:
    center, size = (pred[:, :2] + pred[:, 2:]) * 0.5, pred[:, 2:] - pred[:, :2]
    with torch.no_grad():
        goal, goal_size = (target[:, :2] + target[:, 2:]) * 0.5, target[:, 2:] - target[:, :2]
    shift = 2 * (goal - center).abs()
    loss_center = 1 - ((goal_size - shift) / (goal_size + shift + eps)).clamp(min=0)
    loss_size = 1 - torch.min(goal_size / (size + eps), size / (goal_size + eps))
    loss = torch.cat([loss_center, loss_size], dim=-1)
    return torch.where(loss < beta, 0.5 * loss * loss / beta, loss - 0.5 * beta)


def _giou(pred: Tensor, target: Tensor, eps: float = 1e-7) -> Tensor:
    return 1 - bbox_overlaps(pred, target, mode="giou", is_aligned=True, eps=eps)


def _iou_and_distance(pred: Tensor, target: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Returns the IoU (N,) and the squared distance of centres over that of the hull's corners."""
    low, high = torch.max(pred[:, :2], target[:, :2]), torch.min(pred[:, 2:], target[:, 2:])
    overlap = (high - low).clamp(min=0).prod(1)
    areas = (pred[:, 2:] - pred[:, :2]).prod(1) + (target[:, 2:] - target[:, :2]).prod(1)
    ious = overlap / (areas - overlap + eps)
    hull_low, hull_high = (
        torch.min(pred[:, :2], target[:, :2]),
        torch.max(pred[:, 2:], target[:, 2:]),
    )
    diagonal = (hull_high - hull_low).clamp(min=0).square().sum(1) + eps
    apart = (target[:, :2] + target[:, 2:]) - (pred[:, :2] + pred[:, 2:])
    return ious, (apart.square() / 4).sum(1) / diagonal


def _diou(pred: Tensor, target: Tensor, eps: float = 1e-7) -> Tensor:
    ious, distance = _iou_and_distance(pred, target, eps)
    return 1 - (ious - distance)


def _ciou(pred: Tensor, target: Tensor, eps: float = 1e-7) -> Tensor:
    ious, distance = _iou_and_distance(pred, target, eps)
    size, goal = pred[:, 2:] - pred[:, :2], target[:, 2:] - target[:, :2]
    angles = [torch.atan(side[:, 0] / (side[:, 1] + eps)) for side in (goal, size)]
    angle = angles[0] - angles[1]
    shape = 4 / math.pi**2 * angle.square()
    with torch.no_grad():
        alpha = (ious > 0.5).float() * shape / (1 - ious + shape)
    return 1 - (ious - (distance + alpha * shape)).clamp(min=-1.0, max=1.0)


iou_loss = weighted_loss(_iou)
bounded_iou_loss = weighted_loss(_bounded_iou)
giou_loss = weighted_loss(_giou)
diou_loss = weighted_loss(_diou)
ciou_loss = weighted_loss(_ciou)


class BoxLoss(Loss):
    """A loss ``box_loss(pred, target)`` of each box, in float32."""

    per_side = False  # whether box_loss returns (N, 4) instead of (N,)

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each box (N, 4)."""
        raise NotImplementedError

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the loss of boxes (N, 4) x1 y1 x2 y2.

        Args:
            pred: decoded boxes.
            target: objects.
            weight: (N,), or (N, 4), whose mean counts.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            kwargs: without effect; heads pass what some losses need.
        """
        reduction = self.reduction_of(reduction_override)
        pred, target = at_least_fp32(pred), at_least_fp32(target)
        if weight is not None and reduction != "none" and not torch.any(weight > 0):
            # 0, also where the loss of a box that does not count would be infinite.
            return (pred * (weight if weight.dim() == pred.dim() else weight[:, None])).sum()
        if weight is not None and weight.dim() > 1 and not self.per_side:
            assert weight.shape == pred.shape
            weight = weight.mean(-1)
        if len(pred):
            loss = self.box_loss(pred, target)
        else:  # no loss, but in the graph: DistributedDataParallel waits for every gradient
            loss = pred * 0 if self.per_side else pred.sum(-1) * 0
        return self.loss_weight * weight_reduce_loss(loss, weight, reduction, avg_factor)


@MODELS.register_module()
class IoULoss(BoxLoss):
    """-log IoU, 1 - IoU or 1 - IoU² (UnitBox, arXiv:1608.01471).

    Args:
        linear: the older spelling of ``mode="linear"``.
        eps: lower bound of the IoU.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
        mode: "log", "linear" or "square".
    """

    def __init__(
        self,
        linear: bool = False,
        eps: float = 1e-6,
        reduction: str = "mean",
        loss_weight: float = 1.0,
        mode: str = "log",
    ) -> None:
        super().__init__(reduction, loss_weight)
        if mode not in MODES:
            raise ModelConfigError(f"IoULoss: mode must be one of {MODES}, but is {mode!r}")
        if linear:
            logger.warning("IoULoss: linear=True is an older spelling of mode='linear'")
        self.mode = "linear" if linear else mode
        self.linear = linear
        self.eps = eps

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each box."""
        return _iou(pred, target, mode=self.mode, eps=self.eps)


@MODELS.register_module()
class BoundedIoULoss(BoxLoss):
    """A bound of the IoU for each of centre and size (arXiv:1711.00164).

    Args:
        beta: where the smooth L1 of the bounds turns linear.
        eps: added to what is divided by.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    per_side = True

    def __init__(
        self,
        beta: float = 0.2,
        eps: float = 1e-3,
        reduction: str = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(reduction, loss_weight)
        self.beta = beta
        self.eps = eps

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss (N, 4) of each box's x, y, width and height."""
        return _bounded_iou(pred, target, self.beta, self.eps)


class _EpsLoss(BoxLoss):
    def __init__(
        self, eps: float = 1e-6, reduction: str = "mean", loss_weight: float = 1.0
    ) -> None:
        super().__init__(reduction, loss_weight)
        self.eps = eps


@MODELS.register_module()
class GIoULoss(_EpsLoss):
    """1 - generalised IoU (arXiv:1902.09630)."""

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each box."""
        return _giou(pred, target, self.eps)


@MODELS.register_module()
class DIoULoss(_EpsLoss):
    """1 - IoU and the distance of the centres (arXiv:1911.08287)."""

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each box."""
        return _diou(pred, target, self.eps)


@MODELS.register_module()
class CIoULoss(_EpsLoss):
    """1 - IoU, the distance of the centres and the aspect ratios (arXiv:2005.03572)."""

    def box_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each box."""
        return _ciou(pred, target, self.eps)
