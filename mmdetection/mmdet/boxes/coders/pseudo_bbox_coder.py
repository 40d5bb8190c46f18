"""Boxes as they are."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmdet.boxes.coders.base_bbox_coder import BaseBBoxCoder
from mmdet.registry import MODELS


@MODELS.register_module()
class PseudoBBoxCoder(BaseBBoxCoder):
    """Leaves boxes as they are."""

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Returns ``gt_bboxes``."""
        return gt_bboxes

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Returns ``pred_bboxes``."""
        return pred_bboxes
