"""Deltas as mmdet 1.0 computed them: a box covers the pixels x1 to x2, both included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.registry import MODELS


@MODELS.register_module()
class LegacyDeltaXYWHBBoxCoder(BaseBBoxCoder):
    """Codes boxes as (dx, dy, dw, dh), sides one pixel longer than today's.

    Args:
        target_means: subtracted from the deltas ...
        target_stds: ... before they are divided by these.
    """

    def __init__(
        self,
        target_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
        target_stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    ) -> None:
        self.means = target_means
        self.stds = target_stds

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Returns the deltas (N, 4) that lead from priors (N, 4) to objects (N, 4)."""
        assert bboxes.size(0) == gt_bboxes.size(0)
        assert bboxes.size(-1) == gt_bboxes.size(-1) == 4
        return legacy_bbox2delta(bboxes, gt_bboxes, self.means, self.stds)

    def decode(
        self,
        bboxes: Tensor,
        pred_bboxes: Tensor,
        max_shape: Sequence[int] | None = None,
        wh_ratio_clip: float = 16 / 1000,
    ) -> Tensor:
        """Returns the boxes (N, 4k) that deltas (N, 4k) mean, clipped to pixels of the image."""
        assert pred_bboxes.size(0) == bboxes.size(0)
        return legacy_delta2bbox(
            bboxes, pred_bboxes, self.means, self.stds, max_shape, wh_ratio_clip
        )


def legacy_bbox2delta(
    proposals: Tensor,
    gt: Tensor,
    means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """Computes deltas (N, 4) in float32."""
    assert proposals.size() == gt.size()
    center, size = _center_and_size(proposals.float())
    gt_center, gt_size = _center_and_size(gt.float())
    deltas = torch.cat([(gt_center - center) / size, torch.log(gt_size / size)], dim=-1)
    return (deltas - deltas.new_tensor(means)) / deltas.new_tensor(stds)


def legacy_delta2bbox(
    rois: Tensor,
    deltas: Tensor,
    means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    max_shape: Sequence[int] | None = None,
    wh_ratio_clip: float = 16 / 1000,
) -> Tensor:
    """Applies deltas (N, 4k) to boxes (N, 4)."""
    shape = deltas.shape
    deltas = deltas.reshape(shape[0], shape[1] // 4, 4)
    deltas = deltas * deltas.new_tensor(stds) + deltas.new_tensor(means)
    center, size = _center_and_size(rois[:, None])
    limit = abs(math.log(wh_ratio_clip))
    center = center + size * deltas[..., :2]
    half = size * deltas[..., 2:].clamp(min=-limit, max=limit).exp() * 0.5
    # Half a pixel wider on each side than the true inverse, as it was.
    boxes = torch.cat([center - half, center + half], dim=-1)
    if max_shape is not None:
        height, width = max_shape[:2]
        last = boxes.new_tensor([width - 1, height - 1, width - 1, height - 1])
        boxes = torch.minimum(boxes.clamp(min=0), last)
    return boxes.reshape(shape)


def _center_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) * 0.5, high - low + 1.0
