"""1.x import path of what losses share, and the base of the losses here."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmcv.losses import at_least_fp32, reduce_loss, weight_reduce_loss, weighted_loss

__all__ = ["Loss", "at_least_fp32", "reduce_loss", "weight_reduce_loss", "weighted_loss"]


class Loss(nn.Module):
    """Keeps how a loss is reduced and how much it counts.

    Args:
        reduction: "none", "mean" or "sum".
        loss_weight: factor of the loss.
    """

    def __init__(self, reduction: str = "mean", loss_weight: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight

    def reduction_of(self, override: Any) -> str:
        """Returns ``override``, or the reduction of the constructor if it is None."""
        assert override in (None, "none", "mean", "sum"), (
            f"reduction_override must be None, 'none', 'mean' or 'sum', but is {override!r}"
        )
        return override if override else self.reduction


class ElementLoss(Loss):
    """A loss ``element_loss(pred, target)`` of each element, weighed and reduced in float32."""

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each element."""
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
        """Returns the loss of ``pred``.

        Args:
            pred: (N, ...).
            target: what ``pred`` should be.
            weight: of each element.
            avg_factor: what a "mean" divides by.
            reduction_override: instead of the reduction of the constructor.
            kwargs: without effect; heads pass what some losses need.
        """
        reduction = self.reduction_of(reduction_override)
        loss = self.element_loss(at_least_fp32(pred), at_least_fp32(target))
        return self.loss_weight * weight_reduce_loss(loss, weight, reduction, avg_factor)
