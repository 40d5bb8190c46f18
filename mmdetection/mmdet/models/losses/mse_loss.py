"""Squared differences."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import ElementLoss, weighted_loss
from mmdet.registry import MODELS


def _mse(pred: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(pred, target, reduction="none")


mse_loss = weighted_loss(_mse)


@MODELS.register_module()
class MSELoss(ElementLoss):
    """Squared differences.

    Args:
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
    """

    def element_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each element."""
        return _mse(pred, target)
