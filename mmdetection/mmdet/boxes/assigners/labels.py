"""What assigners share: classes of the assigned objects, and results without any object."""

from __future__ import annotations

import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult


def labels_of(gt_inds: Tensor, gt_labels: Tensor | None) -> Tensor | None:
    """Returns the class (N,) of each assigned object, -1 where there is none.

    Args:
        gt_inds: (N,) 1 + index of the object.
        gt_labels: (G,) classes; None gives None.
    """
    if gt_labels is None:
        return None
    labels = gt_inds.new_full((len(gt_inds),), -1)
    positive = gt_inds > 0
    if len(gt_labels):
        labels[positive] = gt_labels[gt_inds[positive] - 1].to(labels)
    return labels


def nothing_to_match(
    boxes: Tensor, num_gts: int, gt_labels: Tensor | None, unassigned: int = -1
) -> AssignResult:
    """Returns the result for an image without boxes, or without objects: all is background.

    Args:
        boxes: (N, ...) what was to be assigned.
        num_gts: number of objects.
        gt_labels: None gives no labels.
        unassigned: index of boxes as long as there are objects.
    """
    gt_inds = boxes.new_full((len(boxes),), unassigned if num_gts else 0, dtype=torch.long)
    overlaps = boxes.new_zeros(len(boxes), dtype=torch.promote_types(boxes.dtype, torch.float32))
    labels = None if gt_labels is None else torch.full_like(gt_inds, -1)
    return AssignResult(num_gts, gt_inds, overlaps, labels)
