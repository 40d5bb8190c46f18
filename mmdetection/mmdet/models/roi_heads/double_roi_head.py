"""Boxes from larger regions than classes (Wu et al., 2019, arXiv:1904.06493)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmdet.models.roi_heads.standard_roi_head import StandardRoIHead
from mmdet.registry import MODELS


@MODELS.register_module()
class DoubleHeadRoIHead(StandardRoIHead):
    """A RoI head whose box head gets two sets of features.

    Args:
        reg_roi_scale_factor: by how much regions are enlarged for the boxes.
        **kwargs: arguments of :class:`StandardRoIHead`.
    """

    def __init__(self, reg_roi_scale_factor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reg_roi_scale_factor = reg_roi_scale_factor

    def _bbox_forward(self, x: Sequence[Tensor], rois: Tensor) -> dict[str, Any]:
        extractor = self.bbox_roi_extractor
        maps = x[: extractor.num_inputs]
        cls_feats = extractor(maps, rois)
        reg_feats = extractor(maps, rois, roi_scale_factor=self.reg_roi_scale_factor)
        if self.with_shared_head:
            cls_feats, reg_feats = self.shared_head(cls_feats), self.shared_head(reg_feats)
        cls_score, bbox_pred = self.bbox_head(cls_feats, reg_feats)
        return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=cls_feats)
