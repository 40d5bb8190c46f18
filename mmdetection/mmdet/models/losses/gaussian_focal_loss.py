"""Focal loss on heat maps with Gaussian peaks (CornerNet, arXiv:1808.01244)."""

from __future__ import annotations

from torch import Tensor

from mmdet.models.losses.utils import ElementLoss, weighted_loss
from mmdet.registry import MODELS

EPS = 1e-12


def _gaussian_focal(
    pred: Tensor, gaussian_target: Tensor, alpha: float = 2.0, gamma: float = 4.0
) -> Tensor:
    peak = gaussian_target.eq(1).to(pred)
    loss_peak = -(pred + EPS).log() * (1 - pred).pow(alpha) * peak
    far = (1 - gaussian_target).pow(gamma)
    return loss_peak - (1 - pred + EPS).log() * pred.pow(alpha) * far


gaussian_focal_loss = weighted_loss(_gaussian_focal)


@MODELS.register_module()
class GaussianFocalLoss(ElementLoss):
    """Focal loss of probabilities; near a peak (target 1) wrong ones count less.

    Args:
        alpha: how much well-classified places count less.
        gamma: how much places near a peak do.
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        gamma: float = 4.0,
        reduction: str = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(reduction, loss_weight)
        self.alpha = alpha
        self.gamma = gamma

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each place."""
        return _gaussian_focal(pred, target, self.alpha, self.gamma)
