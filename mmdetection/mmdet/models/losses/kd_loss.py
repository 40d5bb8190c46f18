"""Kullback-Leibler divergence from a teacher's softened classes (arXiv:1503.02531)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from mmdet.models.losses.utils import Loss, at_least_fp32, weighted_loss
from mmdet.registry import MODELS, ModelConfigError


@weighted_loss
def knowledge_distillation_kl_div_loss(
    pred: Tensor, soft_label: Tensor, T: float, detach_target: bool = True
) -> Tensor:
    """Returns the divergence (N,).

    Args:
        pred: (N, C) logits.
        soft_label: (N, C) logits of the teacher.
        T: temperature.
        detach_target: whether the teacher gets no gradient.
    """
    assert pred.size() == soft_label.size()
    target = F.softmax(soft_label / T, dim=1)
    target = target.detach() if detach_target else target
    return F.kl_div(F.log_softmax(pred / T, dim=1), target, reduction="none").mean(1) * (T * T)


@MODELS.register_module()
class KnowledgeDistillationKLDivLoss(Loss):
    """Divergence from a teacher.

    Args:
        reduction: "none", "mean" or "sum".
        loss_weight: factor of this loss.
        T: temperature, at least 1.
    """

    def __init__(self, reduction: str = "mean", loss_weight: float = 1.0, T: float = 10) -> None:
        super().__init__(reduction, loss_weight)
        if T < 1:
            raise ModelConfigError(f"KnowledgeDistillationKLDivLoss: T must be >= 1, but is {T}")
        self.T = T

    def forward(
        self,
        pred: Tensor,
        soft_label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Returns the loss of logits (N, C) for the teacher's logits (N, C)."""
        reduction = self.reduction_of(reduction_override)
        return self.loss_weight * knowledge_distillation_kl_div_loss(
            at_least_fp32(pred), at_least_fp32(soft_label), weight, reduction, avg_factor, T=self.T
        )
