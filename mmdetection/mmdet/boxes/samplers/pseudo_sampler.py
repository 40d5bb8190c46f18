"""No draw: every assigned box takes part."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.base_sampler import BaseSampler, where_negative, where_positive
from mmdet.boxes.samplers.sampling_result import SamplingResult
from mmdet.registry import MODELS


@MODELS.register_module()
class PseudoSampler(BaseSampler):
    """Takes all positives and negatives."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(num=0, pos_fraction=0.0, add_gt_as_proposals=False)

    def _sample_pos(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _sample_neg(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def sample(
        self,
        assign_result: AssignResult,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> SamplingResult:
        """Takes all boxes that are not ignored."""
        return SamplingResult(
            where_positive(assign_result).unique(),
            where_negative(assign_result).unique(),
            bboxes,
            gt_bboxes,
            assign_result,
            bboxes.new_zeros(len(bboxes), dtype=torch.uint8),
        )
