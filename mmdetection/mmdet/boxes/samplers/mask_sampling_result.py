"""Sampling for heads that predict masks instead of boxes (MaskFormer, Mask2Former)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.base_sampler import where_negative, where_positive
from mmdet.boxes.samplers.pseudo_sampler import PseudoSampler
from mmdet.boxes.samplers.sampling_result import SamplingResult
from mmdet.registry import MODELS


class MaskSamplingResult(SamplingResult):
    """Holds the masks of one image.

    Args:
        pos_inds: (P,) indices of the positive masks.
        neg_inds: (Q,) of the negative ones.
        masks: (N, H, W) predictions.
        gt_masks: (G, H, W) objects.
        assign_result: of all predictions.
        gt_flags: (N,) uint8: which predictions are objects themselves.
    """

    def __init__(
        self,
        pos_inds: Tensor,
        neg_inds: Tensor,
        masks: Tensor,
        gt_masks: Tensor,
        assign_result: AssignResult,
        gt_flags: Tensor,
    ) -> None:
        self.pos_inds = pos_inds
        self.neg_inds = neg_inds
        self.pos_masks = masks[pos_inds]
        self.neg_masks = masks[neg_inds]
        self.pos_is_gt = gt_flags[pos_inds]
        self.num_gts = gt_masks.shape[0]
        self.pos_assigned_gt_inds = assign_result.gt_inds[pos_inds] - 1
        self.pos_gt_masks = gt_masks[self.pos_assigned_gt_inds.long()]
        labels = assign_result.labels
        self.pos_gt_labels = None if labels is None else labels[pos_inds]

    @property
    def masks(self) -> Tensor:
        """(P + Q, H, W) the positive masks, then the negative ones."""
        return torch.cat([self.pos_masks, self.neg_masks])

    @property
    def info(self) -> dict[str, Any]:
        """Everything as a dict."""
        names = ("pos_inds", "neg_inds", "pos_masks", "neg_masks", "pos_is_gt", "num_gts")
        return {name: getattr(self, name) for name in (*names, "pos_assigned_gt_inds")}

    def __nice__(self) -> str:
        shapes = f"pos_masks={tuple(self.pos_masks.shape)}, neg_masks={tuple(self.neg_masks.shape)}"
        return f"num_gts={self.num_gts}, {shapes}"


@MODELS.register_module()
class MaskPseudoSampler(PseudoSampler):
    """Takes all positives and negatives."""

    def sample(
        self,
        assign_result: AssignResult,
        masks: Tensor,
        gt_masks: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> MaskSamplingResult:
        """Takes all predictions (N, H, W) that are not ignored."""
        return MaskSamplingResult(
            where_positive(assign_result),
            where_negative(assign_result),
            masks,
            gt_masks,
            assign_result,
            masks.new_zeros(len(masks), dtype=torch.uint8),
        )
