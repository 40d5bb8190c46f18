"""Distances from the centre of a prior to the sides of a box, in prior sizes (FSAF)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.boxes.transforms import clip_boxes
from mmdet.registry import MODELS

Normalizer = float | Sequence[float]


@MODELS.register_module()
class TBLRBBoxCoder(BaseBBoxCoder):
    """Codes boxes as (top, bottom, left, right).

    Args:
        normalizer: what distances are divided by, after the size of the prior; one or four numbers.
        clip_border: whether decoded boxes are clipped to the image.
    """

    def __init__(self, normalizer: Normalizer = 4.0, clip_border: bool = True) -> None:
        self.normalizer = normalizer
        self.clip_border = clip_border

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Returns distances (N, 4) from priors (N, 4) to the sides of objects (N, 4)."""
        assert bboxes.size(0) == gt_bboxes.size(0)
        assert bboxes.size(-1) == gt_bboxes.size(-1) == 4
        return bboxes2tblr(bboxes, gt_bboxes, normalizer=self.normalizer)

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, max_shape: Any = None) -> Tensor:
        """Returns the boxes that distances mean.

        Args:
            bboxes: (B, N, 4) or (N, 4) priors.
            pred_bboxes: the same shape, distances.
            max_shape: (height, width, ...) of the image, or one per image.
        """
        return tblr2bboxes(
            bboxes,
            pred_bboxes,
            normalizer=self.normalizer,
            max_shape=max_shape,
            clip_border=self.clip_border,
        )


def bboxes2tblr(
    priors: Tensor, gts: Tensor, normalizer: Normalizer = 4.0, normalize_by_wh: bool = True
) -> Tensor:
    """Computes distances (N, 4) from the centres of priors (N, 4) to the sides of ``gts`` (N, 4).

    Args:
        priors: x1 y1 x2 y2.
        gts: likewise.
        normalizer: see :class:`TBLRBBoxCoder`.
        normalize_by_wh: whether distances are divided by the sides of the priors first.
    """
    assert priors.size(0) == gts.size(0)
    center, (x1, y1, x2, y2) = (priors[:, :2] + priors[:, 2:4]) / 2, gts.unbind(1)
    loc = torch.stack([center[:, 1] - y1, y2 - center[:, 1], center[:, 0] - x1, x2 - center[:, 0]])
    if normalize_by_wh:
        loc = loc / _sides(priors)
    return loc.t() / _numbers(normalizer, loc)


def tblr2bboxes(
    priors: Tensor,
    tblr: Tensor,
    normalizer: Normalizer = 4.0,
    normalize_by_wh: bool = True,
    max_shape: Any = None,
    clip_border: bool = True,
) -> Tensor:
    """Returns the boxes (..., 4) that distances (..., 4) from priors (..., 4) mean."""
    assert priors.shape[:-1] == tblr.shape[:-1]
    loc = (tblr * _numbers(normalizer, tblr)).movedim(-1, 0)
    if normalize_by_wh:
        loc = loc * _sides(priors)
    center = (priors[..., :2] + priors[..., 2:4]) / 2
    x, y = center.unbind(-1)
    top, bottom, left, right = loc
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=-1)
    return clip_boxes(boxes, max_shape) if clip_border and max_shape is not None else boxes


def _numbers(normalizer: Normalizer, like: Tensor) -> Tensor:
    numbers = like.new_tensor(normalizer)
    assert numbers.dim() == 0 or len(numbers) == 4, "Normalizer must have length = 4"
    return numbers


def _sides(priors: Tensor) -> Tensor:
    width, height = (priors[..., 2:4] - priors[..., :2]).unbind(-1)
    return torch.stack([height, height, width, width])
