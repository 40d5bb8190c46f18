"""Assignment by overlap (Faster R-CNN, arXiv:1506.01497)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of
from mmdet.boxes.builder import build_iou_calculator
from mmdet.registry import MODELS


@MODELS.register_module()
class MaxIoUAssigner(BaseAssigner):
    """Assigns each box to the object it overlaps most, if that is enough.

    Args:
        pos_iou_thr: boxes with at least this overlap are positive.
        neg_iou_thr: boxes below it are background; (low, high): only those in between are.
        min_pos_iou: an object's best boxes become positive from this overlap on.
        gt_max_assign_all: whether all boxes that tie for an object's best do, or one.
        ignore_iof_thr: boxes that overlap an ignored region by more are ignored; negative: none.
        ignore_wrt_candidates: measure that as a share of the box, else of the region.
        match_low_quality: whether an object's best boxes become positive at all.
        gpu_assign_thr: with more objects than this, overlaps are computed on the CPU; negative:
            never.
        iou_calculator: config of what measures overlaps.
    """

    def __init__(
        self,
        pos_iou_thr: float,
        neg_iou_thr: float | tuple[float, float],
        min_pos_iou: float = 0.0,
        gt_max_assign_all: bool = True,
        ignore_iof_thr: float = -1,
        ignore_wrt_candidates: bool = True,
        match_low_quality: bool = True,
        gpu_assign_thr: int = -1,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
    ) -> None:
        self.pos_iou_thr = pos_iou_thr
        self.neg_iou_thr = neg_iou_thr
        self.min_pos_iou = min_pos_iou
        self.gt_max_assign_all = gt_max_assign_all
        self.ignore_iof_thr = ignore_iof_thr
        self.ignore_wrt_candidates = ignore_wrt_candidates
        self.gpu_assign_thr = gpu_assign_thr
        self.match_low_quality = match_low_quality
        self.iou_calculator = build_iou_calculator(iou_calculator)

    def assign(
        self,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
    ) -> AssignResult:
        """Assigns boxes (N, 4+) to objects (G, 4).

        Args:
            bboxes: priors or proposals.
            gt_bboxes: objects.
            gt_bboxes_ignore: (K, 4) regions such as crowds.
            gt_labels: (G,) classes of the objects.
        """
        device = bboxes.device
        on_cpu = 0 < self.gpu_assign_thr < len(gt_bboxes)
        if on_cpu:
            bboxes, gt_bboxes = bboxes.cpu(), gt_bboxes.cpu()
            gt_bboxes_ignore = None if gt_bboxes_ignore is None else gt_bboxes_ignore.cpu()
            gt_labels = None if gt_labels is None else gt_labels.cpu()
        # A box with NaN overlaps nothing; as a maximum it would hide all other objects.
        overlaps = self.iou_calculator(gt_bboxes, bboxes).nan_to_num_(nan=0.0)
        if self.ignore_iof_thr > 0 and gt_bboxes_ignore is not None:
            self._ignore(overlaps, bboxes, gt_bboxes_ignore)
        result = self.assign_wrt_overlaps(overlaps, gt_labels)
        if on_cpu and device.type != "cpu":
            for name in ("gt_inds", "max_overlaps", "labels"):
                value = getattr(result, name)
                setattr(result, name, None if value is None else value.to(device))
        return result

    def _ignore(self, overlaps: Tensor, bboxes: Tensor, regions: Tensor) -> None:
        """Marks the columns of boxes that lie in ignored regions with -1."""
        if not (regions.numel() and bboxes.numel()):
            return
        if self.ignore_wrt_candidates:
            shares, axis = self.iou_calculator(bboxes, regions, mode="iof"), 1
        else:
            shares, axis = self.iou_calculator(regions, bboxes, mode="iof"), 0
        overlaps[:, shares.max(dim=axis)[0] > self.ignore_iof_thr] = -1

    def assign_wrt_overlaps(
        self, overlaps: Tensor, gt_labels: Tensor | None = None
    ) -> AssignResult:
        """Assigns boxes by their overlaps (G, N) with the objects."""
        num_gts, num_bboxes = overlaps.shape
        gt_inds = overlaps.new_full((num_bboxes,), -1, dtype=torch.long)
        if num_gts == 0 or num_bboxes == 0:
            if num_gts == 0:
                gt_inds[:] = 0
            labels = None if gt_labels is None else torch.full_like(gt_inds, -1)
            return AssignResult(num_gts, gt_inds, overlaps.new_zeros(num_bboxes), labels)
        max_overlaps, argmax_overlaps = overlaps.max(dim=0)
        negative = self._is_negative(max_overlaps)
        positive = max_overlaps >= self.pos_iou_thr
        gt_inds[negative] = 0
        gt_inds = torch.where(positive, argmax_overlaps + 1, gt_inds)
        if self.match_low_quality:
            self._match_best(gt_inds, overlaps)
        return AssignResult(num_gts, gt_inds, max_overlaps, labels_of(gt_inds, gt_labels))

    def _is_negative(self, max_overlaps: Tensor) -> Tensor:
        if isinstance(self.neg_iou_thr, (tuple, list)):
            low, high = self.neg_iou_thr
            return (max_overlaps >= low) & (max_overlaps < high)
        return (max_overlaps >= 0) & (max_overlaps < self.neg_iou_thr)

    def _match_best(self, gt_inds: Tensor, overlaps: Tensor) -> None:
        """Gives each object its best boxes; a later object takes them from an earlier one."""
        best, argbest = overlaps.max(dim=1)
        enough = best >= self.min_pos_iou
        numbers = torch.arange(1, len(overlaps) + 1, device=overlaps.device)
        if self.gt_max_assign_all:
            claims = (overlaps == best[:, None]) & enough[:, None]
            rows, places = claims.nonzero().unbind(1)
            last = torch.zeros_like(gt_inds).scatter_reduce_(0, places, numbers[rows], "amax")
            gt_inds[last > 0] = last[last > 0]
            return
        for number, place in zip(numbers[enough].tolist(), argbest[enough].tolist(), strict=True):
            gt_inds[place] = number
