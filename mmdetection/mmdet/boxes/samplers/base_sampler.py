"""What every sampler does; how it draws is up to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.sampling_result import SamplingResult


class BaseSampler(ABC):
    """Draws positive and negative boxes.

    Args:
        num: how many in all.
        pos_fraction: share of positives among them, at most.
        neg_pos_ub: so many negatives per positive at most; negative: any number.
        add_gt_as_proposals: whether the objects themselves can be drawn.
        context: the head that samples; every head gives itself, some subclasses use it.
        rng: numpy generator or seed, for subclasses.
        kwargs: for the subclass.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float,
        neg_pos_ub: float = -1,
        add_gt_as_proposals: bool = True,
        context: Any = None,
        rng: Any = None,
        **kwargs: Any,
    ) -> None:
        self.num = num
        self.pos_fraction = pos_fraction
        self.neg_pos_ub = neg_pos_ub
        self.add_gt_as_proposals = add_gt_as_proposals
        self.pos_sampler: Any = self
        self.neg_sampler: Any = self

    @abstractmethod
    def _sample_pos(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        """Returns indices of at most ``num_expected`` positives."""

    @abstractmethod
    def _sample_neg(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        """Returns indices of at most ``num_expected`` negatives."""

    def sample(
        self,
        assign_result: Any,
        bboxes: Any = None,
        gt_bboxes: Any = None,
        gt_labels: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Draws boxes.

        Args:
            assign_result: assignment of the boxes.
            bboxes: (N, 4+).
            gt_bboxes: (G, 4) objects.
            gt_labels: (G,) classes of the objects.
            kwargs: for the subclass.
        """
        bboxes = bboxes.view(-1, bboxes.shape[-1])[:, :4] if bboxes.dim() < 2 else bboxes[:, :4]
        flags = bboxes.new_zeros(len(bboxes), dtype=torch.uint8)
        if self.add_gt_as_proposals and len(gt_bboxes) > 0:
            if gt_labels is None:
                raise ValueError("gt_labels must be given when add_gt_as_proposals is True")
            bboxes = torch.cat([gt_bboxes, bboxes], dim=0)
            assign_result.add_gt_(gt_labels)
            flags = torch.cat([flags.new_ones(len(gt_bboxes)), flags])
        num_pos = int(self.num * self.pos_fraction)
        pos_inds = self.pos_sampler._sample_pos(assign_result, num_pos, bboxes=bboxes, **kwargs)
        pos_inds = pos_inds.unique()
        num_neg = self.num - len(pos_inds)
        if self.neg_pos_ub >= 0:
            num_neg = min(num_neg, int(self.neg_pos_ub * max(1, len(pos_inds))))
        neg_inds = self.neg_sampler._sample_neg(assign_result, num_neg, bboxes=bboxes, **kwargs)
        return SamplingResult(pos_inds, neg_inds.unique(), bboxes, gt_bboxes, assign_result, flags)


def where_positive(assign_result: AssignResult) -> Tensor:
    """Returns the indices (P,) of boxes with an object."""
    return (assign_result.gt_inds > 0).nonzero().view(-1)


def where_negative(assign_result: AssignResult) -> Tensor:
    """Returns the indices (Q,) of boxes on background."""
    return (assign_result.gt_inds == 0).nonzero().view(-1)
