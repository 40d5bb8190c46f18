"""Assignment by score and overlap together (TOOD, arXiv:2108.07755)."""

from __future__ import annotations

from collections.abc import Mapping
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


class AlignedAssignResult(AssignResult):
    """An assignment with ``assign_metrics`` (N,): how well score and overlap agree."""

    assign_metrics: Tensor


@MODELS.register_module()
class TaskAlignedAssigner(BaseAssigner):
    """Takes the anchors with the highest score^alpha * overlap^beta for each object.

    Args:
        topk: so many for each object.
        iou_calculator: config of what measures overlaps.
    """

    def __init__(
        self,
        topk: int,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
    ) -> None:
        assert topk >= 1
        self.topk = topk
        self.iou_calculator = build_iou_calculator(iou_calculator)

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        pred_scores: Tensor,
        decode_bboxes: Tensor,
        anchors: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
        alpha: float = 1,
        beta: float = 6,
    ) -> AlignedAssignResult:
        """Assigns anchors (N, 4) to objects (G, 4).

        Args:
            pred_scores: (N, C) probabilities.
            decode_bboxes: (N, 4) predicted boxes.
            anchors: their centre must be inside of the object.
            gt_bboxes: objects.
            gt_bboxes_ignore: without effect.
            gt_labels: (G,) classes of the objects.
            alpha: exponent of the score.
            beta: exponent of the overlap.
        """
        anchors = anchors[:, :4]
        metrics = anchors.new_zeros(len(anchors))
        if len(gt_bboxes) == 0 or len(anchors) == 0:
            empty = nothing_to_match(anchors, len(gt_bboxes), gt_labels, unassigned=0)
            return _with_metrics(empty, metrics)
        assert gt_labels is not None
        overlaps = self.iou_calculator(decode_bboxes, gt_bboxes).detach()
        aligned = pred_scores[:, gt_labels].detach() ** alpha * overlaps**beta
        best_metrics, candidates = aligned.topk(min(self.topk, len(aligned)), dim=0)
        inside = centers_inside(centers_of(anchors), gt_bboxes, candidates)
        best, owner = best_of_candidates(overlaps, candidates, (best_metrics > 0) & inside)
        claimed = best != NONE
        gt_inds = torch.where(claimed, owner + 1, 0)
        metrics[claimed] = aligned[claimed, owner[claimed]].to(metrics)
        labels = labels_of(gt_inds, gt_labels)
        return _with_metrics(AssignResult(len(gt_bboxes), gt_inds, best, labels), metrics)


def _with_metrics(result: AssignResult, metrics: Tensor) -> AlignedAssignResult:
    made = AlignedAssignResult(result.num_gts, result.gt_inds, result.max_overlaps, result.labels)
    made.assign_metrics = metrics
    return made
