"""As many positives for small objects as for large ones (YOLOF, arXiv:2103.09460)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of
from mmdet.boxes.builder import build_iou_calculator
from mmdet.boxes.transforms import bbox_xyxy_to_cxcywh
from mmdet.registry import MODELS


@MODELS.register_module()
class UniformAssigner(BaseAssigner):
    """Takes the nearest anchors and the nearest predictions of each object.

    Args:
        pos_ignore_thr: of these, anchors that overlap less are ignored.
        neg_ignore_thr: predictions that overlap an object more are not background.
        match_times: so many of both for each object.
        iou_calculator: config of what measures overlaps.
    """

    def __init__(
        self,
        pos_ignore_thr: float,
        neg_ignore_thr: float,
        match_times: int = 4,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
    ) -> None:
        self.match_times = match_times
        self.pos_ignore_thr = pos_ignore_thr
        self.neg_ignore_thr = neg_ignore_thr
        self.iou_calculator = build_iou_calculator(iou_calculator)

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        bbox_pred: Tensor,
        anchor: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
    ) -> AssignResult:
        """Assigns predictions (N, 4) with anchors (N, 4) to objects (G, 4), all x1 y1 x2 y2.

        Returns:
            The assignment, with ``pos_idx``, ``pos_predicted_boxes`` and ``target_boxes`` of the
            M matches (those with ``pos_idx`` count).
        """
        number, num_gts = len(bbox_pred), len(gt_bboxes)
        gt_inds = torch.zeros(number, dtype=torch.long, device=bbox_pred.device)
        if number == 0 or num_gts == 0:
            labels = torch.full_like(gt_inds, -1)
            result = AssignResult(num_gts, gt_inds, None, labels=labels)
            kept = bbox_pred.new_empty(0, dtype=torch.bool)
            return _with_boxes(result, kept, bbox_pred[:0], bbox_pred.new_empty(0, 4))
        indices = torch.cat(
            [self._nearest(boxes, gt_bboxes) for boxes in (bbox_pred, anchor)], dim=1
        ).reshape(-1)
        owner = torch.arange(num_gts, device=bbox_pred.device).repeat(len(indices) // num_gts)
        anchor_overlaps = self.iou_calculator(anchor, gt_bboxes)
        gt_inds[self.iou_calculator(bbox_pred, gt_bboxes).max(dim=1)[0] > self.neg_ignore_thr] = -1
        kept = ~(anchor_overlaps[indices, owner] < self.pos_ignore_thr)
        matches = torch.where(kept, owner + 1, -1)
        # Where two objects match one box, the later match stays, on every device.
        last = dict(zip(indices.tolist(), matches.tolist(), strict=True))
        gt_inds[gt_inds.new_tensor(list(last))] = gt_inds.new_tensor(list(last.values()))
        best = anchor_overlaps.max(dim=0)[0]
        result = AssignResult(num_gts, gt_inds, best, labels_of(gt_inds, gt_labels))
        return _with_boxes(result, kept, bbox_pred[indices], gt_bboxes[owner])

    def _nearest(self, boxes: Tensor, gt_bboxes: Tensor) -> Tensor:
        """Returns indices (match_times, G) of the boxes nearest to each object, in L1."""
        cost = torch.cdist(bbox_xyxy_to_cxcywh(boxes), bbox_xyxy_to_cxcywh(gt_bboxes), p=1)
        # On the CPU, where ties are broken alike everywhere.
        count = min(self.match_times, len(boxes))
        return cost.cpu().topk(count, dim=0, largest=False)[1].to(boxes.device)


def _with_boxes(
    result: AssignResult, kept: Tensor, predicted: Tensor, targets: Tensor
) -> AssignResult:
    result.set_extra_property("pos_idx", kept)
    result.set_extra_property("pos_predicted_boxes", predicted)
    result.set_extra_property("target_boxes", targets)
    return result
