"""Distances from a point to the sides of its box (FCOS, arXiv:1904.01355)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.boxes.transforms import bbox2distance, distance2bbox
from mmdet.registry import MODELS


@MODELS.register_module()
class DistancePointBBoxCoder(BaseBBoxCoder):
    """Codes boxes as (left, top, right, bottom) of a point.

    Args:
        clip_border: whether decoded boxes are clipped to the image.
    """

    def __init__(self, clip_border: bool = True) -> None:
        self.clip_border = clip_border

    def encode(
        self,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        max_dis: float | None = None,
        eps: float = 0.1,
    ) -> Tensor:
        """Returns distances (N, 4) from points ``bboxes`` (N, 2) to the sides of objects (N, 4)."""
        assert bboxes.size(0) == gt_bboxes.size(0)
        assert bboxes.size(-1) == 2
        assert gt_bboxes.size(-1) == 4
        return bbox2distance(bboxes, gt_bboxes, max_dis, eps)

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, max_shape: Any = None) -> Tensor:
        """Returns the boxes that distances mean.

        Args:
            bboxes: (B, N, 2) or (N, 2) points.
            pred_bboxes: (B, N, 4) or (N, 4) distances.
            max_shape: (height, width, ...) of the image, or one per image.
        """
        assert bboxes.size(0) == pred_bboxes.size(0)
        assert bboxes.size(-1) == 2
        assert pred_bboxes.size(-1) == 4
        return distance2bbox(bboxes, pred_bboxes, max_shape if self.clip_border else None)
