"""Assignment of the middle part of an object (FSAF, arXiv:1903.00621)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of
from mmdet.boxes.builder import build_iou_calculator
from mmdet.boxes.transforms import bbox_rescale
from mmdet.registry import MODELS


def is_located_in(points: Tensor, bboxes: Tensor) -> Tensor:
    """Tells (N, G) which points (N, 2) lie inside of which boxes (G, 4)."""
    points = points[:, None]
    return ((points > bboxes[:, :2]) & (points < bboxes[:, 2:])).all(dim=-1)


@MODELS.register_module()
class CenterRegionAssigner(BaseAssigner):
    """Takes boxes in the core of an object; those in its shadow are background that does not count.

    Args:
        pos_scale: size of the core as a share of the object.
        neg_scale: likewise of core and shadow.
        min_pos_iof: what share of a box must be in the core or in the shadow.
        ignore_gt_scale: size of the part of an ignored region whose boxes are ignored.
        foreground_dominate: whether a box in the core of one and in the shadow of another object
            of the same class is positive, or in the shadow.
        iou_calculator: config of what measures overlaps.
    """

    def __init__(
        self,
        pos_scale: float,
        neg_scale: float,
        min_pos_iof: float = 1e-2,
        ignore_gt_scale: float = 0.5,
        foreground_dominate: bool = False,
        iou_calculator: Mapping[str, Any] = {"type": "BboxOverlaps2D"},
    ) -> None:
        self.pos_scale = pos_scale
        self.neg_scale = neg_scale
        self.min_pos_iof = min_pos_iof
        self.ignore_gt_scale = ignore_gt_scale
        self.foreground_dominate = foreground_dominate
        self.iou_calculator = build_iou_calculator(iou_calculator)

    def get_gt_priorities(self, gt_bboxes: Tensor) -> Tensor:
        """Returns (G,) ranks, the highest for the smallest object."""
        areas = (gt_bboxes[:, 2:] - gt_bboxes[:, :2]).prod(1)
        return areas.sort(descending=True)[1].argsort()

    def assign(
        self,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
    ) -> AssignResult:
        """Assigns boxes (N, 4) to objects (G, 4).

        Returns:
            The assignment, with ``shadowed_labels`` (S, 2): boxes and classes that do not count.
        """
        assert bboxes.size(1) == 4, "bboxes must have size of 4"
        centers = (bboxes[:, 2:4] + bboxes[:, :2]) / 2
        core, shadow = self._regions(bboxes, centers, gt_bboxes)
        gt_inds = torch.zeros(len(bboxes), dtype=torch.long, device=bboxes.device)
        shadowed = gt_inds.new_empty(0, 2)
        if len(bboxes) and len(gt_bboxes):
            gt_inds, shadowed = self.assign_one_hot_gt_indices(
                core, shadow, self.get_gt_priorities(gt_bboxes)
            )
        if gt_bboxes_ignore is not None and gt_bboxes_ignore.numel() > 0:
            regions = bbox_rescale(gt_bboxes_ignore, self.ignore_gt_scale)
            gt_inds[is_located_in(centers, regions).any(dim=1)] = -1
        labels = labels_of(gt_inds, gt_labels)
        shadowed_labels = None
        if labels is not None and gt_labels is not None:
            shadowed_labels = self._shadowed_labels(shadowed, gt_inds, labels, gt_labels)
        result = AssignResult(len(gt_bboxes), gt_inds, None, labels=labels)
        result.set_extra_property("shadowed_labels", shadowed_labels)
        return result

    def _regions(self, bboxes: Tensor, centers: Tensor, gt_bboxes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (N, G) which boxes are in the core and which in the shadow of which object."""
        core, shadow = (
            self.iou_calculator(bboxes, bbox_rescale(gt_bboxes, scale), mode="iof")
            > self.min_pos_iof
            for scale in (self.pos_scale, self.neg_scale)
        )
        core = core & is_located_in(centers, gt_bboxes)
        return core, shadow & ~core

    def _shadowed_labels(
        self, shadowed: Tensor, gt_inds: Tensor, labels: Tensor, gt_labels: Tensor
    ) -> Tensor:
        """Returns (S, 2) boxes and classes; boxes that are positive too are changed in place."""
        found = shadowed.clone()
        if len(found) == 0:
            return found
        place, owner = shadowed.unbind(1)
        found[:, 1] = gt_labels[owner - 1]
        both = labels[place] == found[:, 1]
        if self.foreground_dominate:
            return found[~both]
        labels[place[both]] = -1
        gt_inds[place[both]] = 0
        return found

    def assign_one_hot_gt_indices(
        self,
        is_bbox_in_gt_core: Tensor,
        is_bbox_in_gt_shadow: Tensor,
        gt_priority: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Gives each box one object.

        Args:
            is_bbox_in_gt_core: (N, G) bool.
            is_bbox_in_gt_shadow: (N, G) bool.
            gt_priority: (G,); the highest wins.

        Returns:
            (N,) 1 + index of the object, 0 for none; (S, 2) boxes and 1 + index of the objects
            whose shadow, or whose core in vain, they lie in.
        """
        num_gts = is_bbox_in_gt_core.shape[1]
        if gt_priority is None:
            gt_priority = torch.arange(num_gts, device=is_bbox_in_gt_core.device)
        assert len(gt_priority) == num_gts
        priority = torch.where(is_bbox_in_gt_core, gt_priority, -1)
        matched = is_bbox_in_gt_core.any(dim=1)
        winner = priority.argmax(dim=1)
        gt_inds = torch.where(matched, winner + 1, 0)
        in_vain = is_bbox_in_gt_core.clone()
        in_vain[matched, winner[matched]] = False
        shadowed = torch.cat([is_bbox_in_gt_shadow.nonzero(), in_vain.nonzero()])
        shadowed[:, 1] += 1
        return gt_inds, shadowed
