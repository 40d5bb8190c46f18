"""Centre offsets and log sizes relative to a prior (R-CNN, arXiv:1311.2524)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.boxes.transforms import clip_boxes
from mmdet.registry import MODELS

# Boxes without area have no finite deltas; they are treated as if they had this side.
SMALLEST_SIDE = 1e-6


@MODELS.register_module()
class DeltaXYWHBBoxCoder(BaseBBoxCoder):
    """Codes boxes as (dx, dy, dw, dh).

    Args:
        target_means: subtracted from the deltas ...
        target_stds: ... before they are divided by these.
        clip_border: whether decoded boxes are clipped to the image.
        add_ctr_clamp: whether the offset of the centre is limited (YOLOF) ...
        ctr_clamp: ... to so many pixels.
    """

    def __init__(
        self,
        target_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
        target_stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        clip_border: bool = True,
        add_ctr_clamp: bool = False,
        ctr_clamp: float = 32,
    ) -> None:
        self.means = target_means
        self.stds = target_stds
        self.clip_border = clip_border
        self.add_ctr_clamp = add_ctr_clamp
        self.ctr_clamp = ctr_clamp

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Returns the deltas (N, 4) that lead from priors (N, 4) to objects (N, 4)."""
        assert bboxes.size(0) == gt_bboxes.size(0)
        assert bboxes.size(-1) == gt_bboxes.size(-1) == 4
        return bbox2delta(bboxes, gt_bboxes, self.means, self.stds)

    def decode(
        self,
        bboxes: Tensor,
        pred_bboxes: Tensor,
        max_shape: Any = None,
        wh_ratio_clip: float = 16 / 1000,
    ) -> Tensor:
        """Returns the boxes that deltas mean.

        Args:
            bboxes: (B, N, 4) or (N, 4).
            pred_bboxes: (B, N, 4k) or (N, 4k) deltas, of k classes.
            max_shape: (height, width, ...) of the image, or one per image.
            wh_ratio_clip: sides change at most by the inverse of this factor.
        """
        assert pred_bboxes.size(0) == bboxes.size(0)
        if pred_bboxes.ndim == 3:
            assert pred_bboxes.size(1) == bboxes.size(1)
        return delta2bbox(
            bboxes,
            pred_bboxes,
            self.means,
            self.stds,
            max_shape,
            wh_ratio_clip,
            self.clip_border,
            self.add_ctr_clamp,
            self.ctr_clamp,
        )


def bbox2delta(
    proposals: Tensor,
    gt: Tensor,
    means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """Computes deltas (N, 4) in float32; finite also for boxes without area."""
    assert proposals.size() == gt.size()
    center, size = _center_and_size(proposals.float())
    gt_center, gt_size = _center_and_size(gt.float())
    size, gt_size = size.clamp(min=SMALLEST_SIDE), gt_size.clamp(min=SMALLEST_SIDE)
    deltas = torch.cat([(gt_center - center) / size, torch.log(gt_size / size)], dim=-1)
    return (deltas - deltas.new_tensor(means)) / deltas.new_tensor(stds)


def delta2bbox(
    rois: Tensor,
    deltas: Tensor,
    means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    max_shape: Any = None,
    wh_ratio_clip: float = 16 / 1000,
    clip_border: bool = True,
    add_ctr_clamp: bool = False,
    ctr_clamp: float = 32,
) -> Tensor:
    """Applies deltas (..., N, 4k) to boxes (..., N, 4); see :class:`DeltaXYWHBBoxCoder`.

    Half-precision deltas are applied in float32: 1333 is not a bfloat16 number.
    """
    if deltas.numel() == 0:
        return deltas
    shape = deltas.shape
    deltas = deltas.to(torch.promote_types(deltas.dtype, torch.float32))
    deltas = deltas.reshape(*shape[:-1], shape[-1] // 4, 4)
    deltas = deltas * deltas.new_tensor(stds) + deltas.new_tensor(means)
    center, size = _center_and_size(rois[..., None, :4].to(deltas))
    shift, log_scale = size * deltas[..., :2], deltas[..., 2:]
    limit = abs(math.log(wh_ratio_clip))
    if add_ctr_clamp:
        shift = shift.clamp(min=-ctr_clamp, max=ctr_clamp)
        log_scale = log_scale.clamp(max=limit)
    else:
        log_scale = log_scale.clamp(min=-limit, max=limit)
    center, half = center + shift, size * log_scale.exp() * 0.5
    boxes = torch.cat([center - half, center + half], dim=-1).reshape(shape)
    return clip_boxes(boxes, max_shape) if clip_border and max_shape is not None else boxes


def _center_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) * 0.5, high - low
