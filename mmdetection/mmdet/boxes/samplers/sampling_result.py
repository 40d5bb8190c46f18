"""The boxes a head is trained on, and the objects of the positive ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.demodata import Rng, ensure_rng, random_boxes
from mmdet.boxes.nice_repr import NiceRepr


class SamplingResult(NiceRepr):
    """Holds the sampled boxes of one image.

    Args:
        pos_inds: (P,) indices of the positive boxes.
        neg_inds: (Q,) of the negative ones.
        bboxes: (N, 4) all boxes.
        gt_bboxes: (G, 4) objects.
        assign_result: of all boxes.
        gt_flags: (N,) uint8: which boxes are objects themselves.
    """

    pos_gt_labels: Tensor | None

    def __init__(
        self,
        pos_inds: Tensor,
        neg_inds: Tensor,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        assign_result: AssignResult,
        gt_flags: Tensor,
    ) -> None:
        gt_bboxes = gt_bboxes.view(-1, 4) if gt_bboxes.dim() < 2 else gt_bboxes
        self.pos_inds = pos_inds
        self.neg_inds = neg_inds
        self.pos_bboxes = bboxes[pos_inds]
        self.neg_bboxes = bboxes[neg_inds]
        self.pos_is_gt = gt_flags[pos_inds]
        self.num_gts = gt_bboxes.shape[0]
        self.pos_assigned_gt_inds = assign_result.gt_inds[pos_inds] - 1
        if gt_bboxes.numel() == 0:
            assert self.pos_assigned_gt_inds.numel() == 0, "positive boxes without any object"
            self.pos_gt_bboxes = torch.empty_like(gt_bboxes).view(-1, 4)
        else:
            self.pos_gt_bboxes = gt_bboxes[self.pos_assigned_gt_inds.long()]
        labels = assign_result.labels
        self.pos_gt_labels = None if labels is None else labels[pos_inds]

    @property
    def bboxes(self) -> Tensor:
        """(P + Q, 4) the positive boxes, then the negative ones."""
        return torch.cat([self.pos_bboxes, self.neg_bboxes])

    def to(self, device: Any) -> SamplingResult:
        """Moves everything to ``device``, in place."""
        for key, value in self.__dict__.items():
            if isinstance(value, Tensor):
                self.__dict__[key] = value.to(device)
        return self

    def __nice__(self) -> str:
        data = self.info
        for key in ("pos_bboxes", "neg_bboxes"):
            data[f"{key}.shape"] = data.pop(key).shape
        body = ",\n".join(f"    '{key}': {value!r}" for key, value in sorted(data.items()))
        return "{\n" + body + "\n}"

    @property
    def info(self) -> dict[str, Any]:
        """Everything as a dict."""
        names = [
            "pos_inds",
            "neg_inds",
            "pos_bboxes",
            "neg_bboxes",
            "pos_is_gt",
            "num_gts",
            "pos_assigned_gt_inds",
        ]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def random(cls, rng: Rng = None, **kwargs: Any) -> SamplingResult:
        """Draws a result for tests; ``kwargs`` are those of ``AssignResult.random``."""
        from mmdet.boxes.samplers.random_sampler import RandomSampler

        rng = ensure_rng(rng)
        assigned = AssignResult.random(rng=rng, **kwargs)
        bboxes = random_boxes(assigned.num_preds, rng=rng)
        gt_bboxes = random_boxes(assigned.num_gts, rng=rng)
        if rng.rand() > 0.2:  # callers squeeze sometimes
            gt_bboxes, bboxes = gt_bboxes.squeeze(), bboxes.squeeze()
        sampler = RandomSampler(32, 0.5, neg_pos_ub=-1, add_gt_as_proposals=False, rng=rng)
        return sampler.sample(assigned, bboxes, gt_bboxes, None)
