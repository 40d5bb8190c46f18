"""Assignment of least cost, as many as overlaps suggest (YOLOX, arXiv:2107.08430)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of, nothing_to_match
from mmdet.boxes.iou import bbox_overlaps
from mmdet.registry import MODELS

INF = 100000.0


@MODELS.register_module()
class SimOTAAssigner(BaseAssigner):
    """Takes the cheapest priors of each object; their number is the sum of the best overlaps.

    Args:
        center_radius: priors within so many strides of an object's centre are preferred.
        candidate_topk: how many overlaps are summed.
        iou_weight: factor of the cost of the overlap.
        cls_weight: factor of the cost of the class.
    """

    def __init__(
        self,
        center_radius: float = 2.5,
        candidate_topk: int = 10,
        iou_weight: float = 3.0,
        cls_weight: float = 1.0,
    ) -> None:
        self.center_radius = center_radius
        self.candidate_topk = candidate_topk
        self.iou_weight = iou_weight
        self.cls_weight = cls_weight

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        pred_scores: Tensor,
        priors: Tensor,
        decoded_bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        eps: float = 1e-7,
    ) -> AssignResult:
        """Assigns predictions (N, 4) to objects (G, 4).

        Args:
            pred_scores: (N, C) probabilities.
            priors: (N, 4) x, y and the strides of x and y.
            decoded_bboxes: x1 y1 x2 y2.
            gt_bboxes: likewise.
            gt_labels: (G,) classes.
            gt_bboxes_ignore: without effect.
            eps: keeps the logarithm of the overlap finite.
        """
        number, num_gts = len(decoded_bboxes), len(gt_bboxes)
        if number == 0 or num_gts == 0:
            return nothing_to_match(decoded_bboxes, num_gts, gt_labels, unassigned=0)
        valid, preferred = self.get_in_gt_and_in_center_info(priors, gt_bboxes)
        if not valid.any():
            return nothing_to_match(decoded_bboxes, num_gts, gt_labels, unassigned=0)
        overlaps = bbox_overlaps(decoded_bboxes[valid], gt_bboxes)
        cost = self.iou_weight * -torch.log(overlaps + eps)
        cost = cost + self.cls_weight * _class_cost(pred_scores[valid], gt_labels)
        matched, owner = self._match(cost + (~preferred) * INF, overlaps)

        chosen = valid.nonzero().view(-1)[matched]
        gt_inds = torch.zeros(number, dtype=torch.long, device=decoded_bboxes.device)
        gt_inds[chosen] = owner + 1
        best = overlaps.new_full((number,), -INF, dtype=torch.float32)
        best[chosen] = overlaps[matched, owner].float()
        return AssignResult(num_gts, gt_inds, best, labels_of(gt_inds, gt_labels))

    def get_in_gt_and_in_center_info(
        self, priors: Tensor, gt_bboxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns (N,) which priors are in an object or near its centre, and (V, G) in both."""
        points, reach = priors[:, None, :2], self.center_radius * priors[:, None, 2:4]
        centers = (gt_bboxes[:, :2] + gt_bboxes[:, 2:]) / 2
        inside = _is_between(points, gt_bboxes[:, :2], gt_bboxes[:, 2:])
        near = _is_between(points, centers - reach, centers + reach)
        valid = inside.any(dim=1) | near.any(dim=1)
        return valid, (inside & near)[valid]

    def _match(self, cost: Tensor, overlaps: Tensor) -> tuple[Tensor, Tensor]:
        """Returns indices (M,) of the matched of V priors and (M,) their objects."""
        matching = torch.zeros_like(cost, dtype=torch.bool)
        best = overlaps.topk(min(self.candidate_topk, len(overlaps)), dim=0)[0]
        for index, count in enumerate(best.sum(0).int().clamp(min=1).tolist()):
            cheapest = cost[:, index].topk(count, largest=False)[1]
            matching[cheapest, index] = True
        claims = matching.sum(1)
        owner = torch.where(claims > 1, cost.argmin(1), matching.int().argmax(1))
        matched = (claims > 0).nonzero().view(-1)
        return matched, owner[matched]


def _is_between(points: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.cat([points - low, high - points], dim=-1).min(dim=-1)[0] > 0


def _class_cost(scores: Tensor, gt_labels: Tensor) -> Tensor:
    """Returns the cross entropy (V, G) of scores (V, C) for each object's class."""
    one_hot = F.one_hot(gt_labels.long(), scores.shape[-1]).float()[None]
    shape = (len(scores), len(gt_labels), scores.shape[-1])
    roots = scores.float().sqrt()[:, None].expand(shape)
    return F.binary_cross_entropy(roots, one_hot.expand(shape), reduction="none").sum(-1)
