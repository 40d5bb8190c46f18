"""Adaptive training sample selection (Zhang et al., 2020, arXiv:1912.02424)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.candidates import (
    NONE,
    best_of_candidates,
    centers_inside,
    centers_of,
)
from mmdet.boxes.assigners.labels import labels_of, nothing_to_match
from mmdet.boxes.builder import build_iou_calculator
from mmdet.registry import MODELS


@MODELS.register_module()
class ATSSAssigner(BaseAssigner):
    """Takes the anchors nearest to an object whose overlap is high for this object.

    Args:
        topk: candidates on each level.
        alpha: share of the predicted overlap, against the score, in a cost that replaces the
            overlap of anchors (DDOD); None: anchors.
        iou_calculator: config of what measures overlaps.
        ignore_iof_thr: anchors of which more lies in an ignored region are ignored; negative: none.
    """

    def __init__(
        self,
        topk: int,
        alpha: float | None = None,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
        ignore_iof_thr: float = -1,
    ) -> None:
        self.topk = topk
        self.alpha = alpha
        self.iou_calculator = build_iou_calculator(iou_calculator)
        self.ignore_iof_thr = ignore_iof_thr

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        bboxes: Tensor,
        num_level_bboxes: Sequence[int],
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
        cls_scores: Tensor | None = None,
        bbox_preds: Tensor | None = None,
    ) -> AssignResult:
        """Assigns anchors (N, 4) of all levels to objects (G, 4).

        Args:
            bboxes: anchors.
            num_level_bboxes: number of anchors on each level.
            gt_bboxes: objects.
            gt_bboxes_ignore: (K, 4) ignored regions.
            gt_labels: (G,) classes of the objects.
            cls_scores: (N, C) logits, with ``alpha``.
            bbox_preds: (N, 4) decoded boxes, with ``alpha``.
        """
        bboxes = bboxes[:, :4]
        if len(gt_bboxes) == 0 or len(bboxes) == 0:
            return nothing_to_match(bboxes, len(gt_bboxes), gt_labels, unassigned=0)
        overlaps = self._overlaps(bboxes, gt_bboxes, gt_labels, cls_scores, bbox_preds)
        centers = centers_of(bboxes)
        distances = (centers[:, None] - centers_of(gt_bboxes)[None]).pow(2).sum(-1).sqrt()
        gt_inds = torch.zeros(len(bboxes), dtype=torch.long, device=bboxes.device)
        ignored = self._ignored(bboxes, gt_bboxes_ignore)
        distances[ignored] = -NONE
        gt_inds[ignored] = -1

        candidates = self._nearest(distances, num_level_bboxes)
        of_candidates = overlaps.gather(0, candidates)
        threshold = of_candidates.mean(0)
        if len(of_candidates) > 1:
            threshold = threshold + of_candidates.std(0)
        positive = of_candidates >= threshold[None]
        positive &= centers_inside(centers, gt_bboxes, candidates)
        best, owner = best_of_candidates(overlaps, candidates, positive)
        gt_inds = torch.where(best != NONE, owner + 1, gt_inds)
        return AssignResult(len(gt_bboxes), gt_inds, best, labels_of(gt_inds, gt_labels))

    def _overlaps(
        self,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor | None,
        cls_scores: Tensor | None,
        bbox_preds: Tensor | None,
    ) -> Tensor:
        if self.alpha is None:
            return self.iou_calculator(bboxes, gt_bboxes).nan_to_num(nan=0.0)
        assert cls_scores is not None and bbox_preds is not None, (
            "ATSSAssigner with alpha needs cls_scores and bbox_preds"
        )
        assert gt_labels is not None
        scores = cls_scores[:, gt_labels].sigmoid()
        overlaps = self.iou_calculator(bbox_preds, gt_bboxes)
        return (scores ** (1 - self.alpha) * overlaps**self.alpha).nan_to_num(nan=0.0)

    def _ignored(self, bboxes: Tensor, regions: Tensor | None) -> Tensor:
        if self.ignore_iof_thr <= 0 or regions is None or len(regions) == 0:
            return torch.zeros(len(bboxes), dtype=torch.bool, device=bboxes.device)
        shares = self.iou_calculator(bboxes, regions, mode="iof")
        return shares.max(dim=1)[0] > self.ignore_iof_thr

    def _nearest(self, distances: Tensor, num_level_bboxes: Sequence[int]) -> Tensor:
        """Returns indices (K, G) of the nearest anchors of each level."""
        start, found = 0, []
        for number, level in zip(
            num_level_bboxes, distances.split(list(num_level_bboxes)), strict=True
        ):
            near = level.topk(min(self.topk, number), dim=0, largest=False)[1]
            found.append(near + start)
            start += number
        return torch.cat(found)
