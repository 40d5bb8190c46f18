"""Uniform draws."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.demodata import ensure_rng
from mmdet.boxes.samplers.base_sampler import BaseSampler, where_negative, where_positive
from mmdet.registry import MODELS


@MODELS.register_module()
class RandomSampler(BaseSampler):
    """Draws uniformly, with torch's global generator on the CPU.

    Args:
        num: see :class:`BaseSampler`.
        pos_fraction: likewise.
        neg_pos_ub: likewise.
        add_gt_as_proposals: likewise.
        kwargs: ``rng``: numpy generator or seed, for subclasses.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float,
        neg_pos_ub: float = -1,
        add_gt_as_proposals: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(num, pos_fraction, neg_pos_ub, add_gt_as_proposals)
        self.rng = ensure_rng(kwargs.get("rng"))

    def random_choice(self, gallery: Any, num: int) -> Any:
        """Draws ``num`` of ``gallery`` without replacement; an array or list gives an array."""
        assert len(gallery) >= num
        given = gallery
        gallery = given if isinstance(given, Tensor) else torch.as_tensor(given, dtype=torch.long)
        chosen = gallery[torch.randperm(gallery.numel())[:num].to(gallery.device)]
        return chosen if isinstance(given, Tensor) else chosen.numpy()

    def _sample_pos(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        candidates = where_positive(assign_result)
        if len(candidates) <= num_expected:
            return candidates
        return self.random_choice(candidates, num_expected)

    def _sample_neg(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        candidates = where_negative(assign_result)
        if len(candidates) <= num_expected:
            return candidates
        return self.random_choice(candidates, num_expected)
