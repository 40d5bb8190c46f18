"""Centres within a cell and log sizes (YOLO, arXiv:1506.02640)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.registry import MODELS


@MODELS.register_module()
class YOLOBBoxCoder(BaseBBoxCoder):
    """Codes boxes as (x, y) in the cell, from 0 to 1, and log sizes.

    Args:
        eps: keeps centres off the borders of the cell and sizes off 0.
    """

    def __init__(self, eps: float = 1e-6) -> None:
        self.eps = eps

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, stride: Any) -> Tensor:
        """Returns codes (N, 4) of objects (N, 4) for anchors (N, 4).

        Args:
            bboxes: anchors.
            gt_bboxes: objects.
            stride: of the anchors' cells; a number or (N,).
        """
        assert bboxes.size(0) == gt_bboxes.size(0)
        assert bboxes.size(-1) == gt_bboxes.size(-1) == 4
        stride = stride[:, None] if isinstance(stride, Tensor) and stride.dim() else stride
        size, gt_size = bboxes[..., 2:] - bboxes[..., :2], gt_bboxes[..., 2:] - gt_bboxes[..., :2]
        center = (bboxes[..., :2] + bboxes[..., 2:]) * 0.5
        gt_center = (gt_bboxes[..., :2] + gt_bboxes[..., 2:]) * 0.5
        in_cell = ((gt_center - center) / stride + 0.5).clamp(self.eps, 1 - self.eps)
        return torch.cat([in_cell, torch.log((gt_size / size).clamp(min=self.eps))], dim=-1)

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, stride: Any) -> Tensor:
        """Returns the boxes (..., 4) that codes (..., 4) for anchors (..., 4) mean."""
        assert pred_bboxes.size(-1) == bboxes.size(-1) == 4
        shift = (pred_bboxes[..., :2] - 0.5) * stride
        center = (bboxes[..., :2] + bboxes[..., 2:]) * 0.5 + shift
        half = (bboxes[..., 2:] - bboxes[..., :2]) * 0.5 * pred_bboxes[..., 2:].exp()
        return torch.cat([center - half, center + half], dim=-1)
