"""The boxes with the highest loss (OHEM, arXiv:1604.03540)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.base_sampler import BaseSampler, where_negative, where_positive
from mmdet.boxes.transforms import bbox2roi
from mmdet.registry import MODELS


@MODELS.register_module()
class OHEMSampler(BaseSampler):
    """Takes the boxes that the RoI head gets most wrong.

    Args:
        num: see :class:`BaseSampler`.
        pos_fraction: likewise.
        context: the RoI head; of a cascade, its current stage is asked.
        neg_pos_ub: see :class:`BaseSampler`.
        add_gt_as_proposals: likewise.
        loss_key: the loss that decides.
        kwargs: without effect.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float,
        context: Any,
        neg_pos_ub: float = -1,
        add_gt_as_proposals: bool = True,
        loss_key: str = "loss_cls",
        **kwargs: Any,
    ) -> None:
        super().__init__(num, pos_fraction, neg_pos_ub, add_gt_as_proposals)
        self.context = context
        # The stage the sampler is built for: a cascade builds one for each.
        self.stage = context.current_stage if hasattr(context, "num_stages") else None
        self.bbox_head = context.bbox_head if self.stage is None else context.bbox_head[self.stage]
        self.loss_key = loss_key

    @torch.no_grad()
    def hard_mining(
        self, inds: Tensor, num_expected: int, bboxes: Tensor, labels: Tensor, feats: Any
    ) -> Tensor:
        """Returns those ``num_expected`` of ``inds`` (N,) whose boxes (N, 4) have the highest loss.

        Args:
            inds: candidates.
            num_expected: how many are chosen.
            bboxes: of the candidates.
            labels: (N,) what their class should be.
            feats: maps of the image, each (1, C, H, W).
        """
        rois = bbox2roi([bboxes])
        if self.stage is None:
            results = self.context._bbox_forward(feats, rois)
        else:
            results = self.context._bbox_forward(self.context.current_stage, feats, rois)
        scores = results["cls_score"]
        loss = self.bbox_head.loss(
            cls_score=scores,
            bbox_pred=None,
            rois=rois,
            labels=labels,
            label_weights=scores.new_ones(len(scores)),
            bbox_targets=None,
            bbox_weights=None,
            reduction_override="none",
        )[self.loss_key]
        return inds[loss.topk(num_expected)[1]]

    def _sample_pos(
        self,
        assign_result: AssignResult,
        num_expected: int,
        bboxes: Any = None,
        feats: Any = None,
        **kwargs: Any,
    ) -> Any:
        inds = where_positive(assign_result)
        if len(inds) <= num_expected:
            return inds
        assert assign_result.labels is not None
        labels = assign_result.labels[inds]
        return self.hard_mining(inds, num_expected, bboxes[inds], labels, feats)

    def _sample_neg(
        self,
        assign_result: AssignResult,
        num_expected: int,
        bboxes: Any = None,
        feats: Any = None,
        **kwargs: Any,
    ) -> Any:
        inds = where_negative(assign_result)
        if len(inds) <= num_expected:
            return inds
        labels = torch.full_like(inds, self.bbox_head.num_classes)
        return self.hard_mining(inds, num_expected, bboxes[inds], labels, feats)
