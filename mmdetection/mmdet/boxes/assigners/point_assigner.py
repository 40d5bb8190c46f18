"""Assignment of the points nearest to an object (RepPoints, arXiv:1904.11490)."""

from __future__ import annotations

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.base_assigner import BaseAssigner
from mmdet.boxes.assigners.labels import labels_of
from mmdet.registry import MODELS


@MODELS.register_module()
class PointAssigner(BaseAssigner):
    """Takes the nearest points on the level that fits the object's size.

    Args:
        scale: an object of this many strides belongs to the level.
        pos_num: so many points for each object.
    """

    def __init__(self, scale: float = 4, pos_num: int = 3) -> None:
        self.scale = scale
        self.pos_num = pos_num

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        points: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
    ) -> AssignResult:
        """Assigns points (N, 3) x, y, stride to objects (G, 4); without ignored regions."""
        number, num_gts = len(points), len(gt_bboxes)
        gt_inds = torch.zeros(number, dtype=torch.long, device=points.device)
        if number == 0 or num_gts == 0:
            return AssignResult(num_gts, gt_inds, None, labels_of(gt_inds, gt_labels))
        levels = torch.log2(points[:, 2]).int()
        centers = (gt_bboxes[:, :2] + gt_bboxes[:, 2:]) / 2
        sizes = (gt_bboxes[:, 2:] - gt_bboxes[:, :2]).clamp(min=1e-6)
        wanted = (torch.log2(sizes / self.scale).sum(1) / 2).int()
        wanted = wanted.clamp(min=int(levels.min()), max=int(levels.max()))
        nearest = points.new_full((number,), float("inf"))
        for index, level in enumerate(wanted):
            on_level = (levels == level).nonzero().view(-1)
            offsets = (points[on_level, :2] - centers[index]) / sizes[index]
            count = min(self.pos_num, len(on_level))
            distance, chosen = offsets.norm(dim=1).topk(count, largest=False)
            chosen = on_level[chosen]
            closer = distance < nearest[chosen]
            gt_inds[chosen[closer]] = index + 1
            nearest[chosen[closer]] = distance[closer]
        return AssignResult(num_gts, gt_inds, None, labels_of(gt_inds, gt_labels))
