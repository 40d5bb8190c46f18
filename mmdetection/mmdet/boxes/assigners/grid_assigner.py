"""Assignment within the cell that holds an object's centre (YOLOv3, arXiv:1804.02767)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of, nothing_to_match
from mmdet.boxes.builder import build_iou_calculator
from mmdet.registry import MODELS


@MODELS.register_module()
class GridAssigner(BaseAssigner):
    """Assigns by overlap, among the anchors of responsible cells only.

    Args:
        pos_iou_thr: such anchors above this overlap are positive.
        neg_iou_thr: anchors up to this are background; (low, high): only those in between.
        min_pos_iou: an object's best anchors become positive above this.
        gt_max_assign_all: whether all anchors that tie for an object's best do, or one.
        iou_calculator: config of what measures overlaps.
    """

    def __init__(
        self,
        pos_iou_thr: float,
        neg_iou_thr: float | tuple[float, float],
        min_pos_iou: float = 0.0,
        gt_max_assign_all: bool = True,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
    ) -> None:
        self.pos_iou_thr = pos_iou_thr
        self.neg_iou_thr = neg_iou_thr
        self.min_pos_iou = min_pos_iou
        self.gt_max_assign_all = gt_max_assign_all
        self.iou_calculator = build_iou_calculator(iou_calculator)

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        bboxes: Tensor,
        box_responsible_flags: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor | None = None,
    ) -> AssignResult:
        """Assigns anchors (N, 4), of which (N,) are responsible, to objects (G, 4)."""
        if len(gt_bboxes) == 0 or len(bboxes) == 0:
            return nothing_to_match(bboxes, len(gt_bboxes), gt_labels)
        overlaps = self.iou_calculator(gt_bboxes, bboxes).nan_to_num_(nan=0.0)
        gt_inds = torch.full((len(bboxes),), -1, dtype=torch.long, device=bboxes.device)
        gt_inds[self._is_negative(overlaps.max(dim=0)[0])] = 0

        responsible = box_responsible_flags.type(torch.bool)
        overlaps[:, ~responsible] = -1.0
        max_overlaps, owner = overlaps.max(dim=0)
        positive = (max_overlaps > self.pos_iou_thr) & responsible
        gt_inds = torch.where(positive, owner + 1, gt_inds)
        best, where = overlaps.max(dim=1)
        for index in (best > self.min_pos_iou).nonzero().view(-1).tolist():
            if self.gt_max_assign_all:
                gt_inds[(overlaps[index] == best[index]) & responsible] = index + 1
            elif responsible[where[index]]:
                gt_inds[where[index]] = index + 1
        return AssignResult(len(gt_bboxes), gt_inds, max_overlaps, labels_of(gt_inds, gt_labels))

    def _is_negative(self, overlaps: Tensor) -> Tensor:
        if isinstance(self.neg_iou_thr, (tuple, list)):
            low, high = self.neg_iou_thr
            return (overlaps > low) & (overlaps <= high)
        return (overlaps >= 0) & (overlaps <= self.neg_iou_thr)
