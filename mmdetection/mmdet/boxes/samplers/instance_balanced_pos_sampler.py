"""As many positives for each object (Libra R-CNN, arXiv:1904.02701)."""

from __future__ import annotations

from typing import Any

import torch

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.base_sampler import where_positive
from mmdet.boxes.samplers.random_sampler import RandomSampler
from mmdet.registry import MODELS


@MODELS.register_module()
class InstanceBalancedPosSampler(RandomSampler):
    """Draws the positives of each object by themselves, and fills up from the others."""

    def _sample_pos(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        candidates = where_positive(assign_result)
        if len(candidates) <= num_expected:
            return candidates
        owners = assign_result.gt_inds[candidates]
        objects = owners.unique()
        share = int(round(num_expected / float(len(objects))) + 1)
        drawn = []
        for number in objects:
            own = candidates[owners == number]
            drawn.append(self.random_choice(own, share) if len(own) > share else own)
        chosen = torch.cat(drawn)
        if len(chosen) > num_expected:
            return self.random_choice(chosen, num_expected)
        missing = num_expected - len(chosen)
        if missing == 0:  # no draw either: the generator stays where 1.x leaves it
            return chosen
        others = candidates[~torch.isin(candidates, chosen)]
        if len(others) > missing:
            others = self.random_choice(others, missing)
        return torch.cat([chosen, others])
