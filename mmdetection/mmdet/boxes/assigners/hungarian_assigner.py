"""One-to-one assignment of least cost (DETR, arXiv:2005.12872)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of
from mmdet.boxes.builder import build_match_cost
from mmdet.boxes.transforms import bbox_cxcywh_to_xyxy
from mmdet.registry import MODELS

# What a cost that is not a number counts as: such a prediction is matched last.
HIGH = 100.0


@MODELS.register_module()
class HungarianAssigner(BaseAssigner):
    """Matches each object with one prediction.

    Args:
        cls_cost: config of the cost of the class.
        reg_cost: of the coordinates.
        iou_cost: of the overlap.
    """

    def __init__(
        self,
        cls_cost: Mapping[str, Any] = {"type": "ClassificationCost", "weight": 1.0},
        reg_cost: Mapping[str, Any] = {"type": "BBoxL1Cost", "weight": 1.0},
        iou_cost: Mapping[str, Any] = {"type": "IoUCost", "iou_mode": "giou", "weight": 1.0},
    ) -> None:
        self.cls_cost = build_match_cost(cls_cost)
        self.reg_cost = build_match_cost(reg_cost)
        self.iou_cost = build_match_cost(iou_cost)

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        bbox_pred: Tensor,
        cls_pred: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor,
        img_meta: Mapping[str, Any],
        gt_bboxes_ignore: Tensor | None = None,
        eps: float = 1e-7,
    ) -> AssignResult:
        """Matches predictions (N, 4) with objects (G, 4).

        Args:
            bbox_pred: cx cy w h, from 0 to 1.
            cls_pred: (N, C) logits.
            gt_bboxes: x1 y1 x2 y2 in pixels.
            gt_labels: (G,) classes.
            img_meta: its ``img_shape`` is (height, width, ...).
            gt_bboxes_ignore: must be None.
            eps: without effect.
        """
        assert gt_bboxes_ignore is None, "Only case when gt_bboxes_ignore is None is supported."
        if len(gt_bboxes) == 0 or len(bbox_pred) == 0:
            return _unmatched(bbox_pred, len(gt_bboxes))
        height, width = img_meta["img_shape"][:2]
        factor = gt_bboxes.new_tensor([width, height, width, height])[None]
        cost = self.cls_cost(cls_pred, gt_labels)
        cost = cost + self.reg_cost(bbox_pred, gt_bboxes / factor)
        cost = cost + self.iou_cost(bbox_cxcywh_to_xyxy(bbox_pred) * factor, gt_bboxes)
        return _match(cost, gt_labels)


@MODELS.register_module()
class MaskHungarianAssigner(BaseAssigner):
    """Matches each object's mask with one predicted mask (MaskFormer, arXiv:2107.06278).

    Args:
        cls_cost: config of the cost of the class.
        mask_cost: of the pixels.
        dice_cost: of the overlap.
    """

    def __init__(
        self,
        cls_cost: Mapping[str, Any] = {"type": "ClassificationCost", "weight": 1.0},
        mask_cost: Mapping[str, Any] = {
            "type": "FocalLossCost",
            "weight": 1.0,
            "binary_input": True,
        },
        dice_cost: Mapping[str, Any] = {"type": "DiceCost", "weight": 1.0},
    ) -> None:
        self.cls_cost = build_match_cost(cls_cost)
        self.mask_cost = build_match_cost(mask_cost)
        self.dice_cost = build_match_cost(dice_cost)

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        cls_pred: Tensor | None,
        mask_pred: Tensor,
        gt_labels: Tensor,
        gt_mask: Tensor,
        img_meta: Mapping[str, Any] | None = None,
        gt_bboxes_ignore: Tensor | None = None,
        eps: float = 1e-7,
    ) -> AssignResult:
        """Matches predictions (N, ...) with masks (G, ...).

        Args:
            cls_pred: (N, C) logits; None: masks alone count.
            mask_pred: (N, ...) logits of masks.
            gt_labels: (G,) classes.
            gt_mask: (G, ...), 0 or 1.
            img_meta: without effect.
            gt_bboxes_ignore: must be None.
            eps: without effect.
        """
        assert gt_bboxes_ignore is None, "Only case when gt_bboxes_ignore is None is supported."
        if len(gt_labels) == 0 or len(mask_pred) == 0:
            return _unmatched(mask_pred, len(gt_labels))
        terms = [
            cost(pred, target)
            for cost, pred, target in (
                (self.cls_cost, cls_pred, gt_labels),
                (self.mask_cost, mask_pred, gt_mask),
                (self.dice_cost, mask_pred, gt_mask),
            )
            if cost.weight != 0 and pred is not None
        ]
        total = sum(terms, start=mask_pred.new_zeros(len(mask_pred), len(gt_labels)))
        return _match(total, gt_labels)


def _unmatched(predictions: Tensor, num_gts: int) -> AssignResult:
    inds = predictions.new_full((len(predictions),), -1 if num_gts else 0, dtype=torch.long)
    return AssignResult(num_gts, inds, None, labels=torch.full_like(inds, -1))


def _match(cost: Tensor, gt_labels: Tensor) -> AssignResult:
    from scipy.optimize import linear_sum_assignment

    finite = cost.detach().float().cpu().nan_to_num(nan=HIGH, posinf=HIGH, neginf=-HIGH)
    rows, columns = linear_sum_assignment(finite.numpy())
    gt_inds = torch.zeros(len(cost), dtype=torch.long, device=cost.device)
    owners = torch.from_numpy(columns + 1).to(gt_inds)
    gt_inds[torch.from_numpy(rows).to(gt_inds)] = owners
    return AssignResult(len(gt_labels), gt_inds, None, labels=labels_of(gt_inds, gt_labels))
