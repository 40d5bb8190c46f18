"""Moves regions to the boxes predicted from them: the step between the stages of a cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.models.numerics import at_least_fp32


class BBoxRefinement:
    """What a box head needs to be one stage of several (Cai, Vasconcelos, arXiv:1712.00726)."""

    bbox_coder: Any
    reg_class_agnostic: bool

    @torch.no_grad()
    def refine_bboxes(
        self,
        rois: Tensor,
        labels: Tensor,
        bbox_preds: Tensor,
        pos_is_gts: Sequence[Tensor],
        img_metas: Sequence[Mapping[str, Any]],
    ) -> list[Tensor]:
        """Returns, per image, the refined regions without those that were objects themselves.

        Args:
            rois: (N, 5), those of an image with its positive ones first.
            labels: (N,) the class whose box is taken.
            bbox_preds: (N, 4·C) or (N, 4).
            pos_is_gts: per image, which positive regions are objects (1) and which proposals (0).
            img_metas: one dict per image.
        """
        images = rois[:, 0].long().unique(sorted=True)
        assert images.numel() <= len(img_metas)
        refined = []
        for i, meta in enumerate(img_metas):
            chosen = (rois[:, 0] == i).nonzero().squeeze(1)
            boxes = self.regress_by_class(
                rois[chosen, 1:], labels[chosen], bbox_preds[chosen], meta
            )
            is_gt = pos_is_gts[i]
            keep = is_gt.new_ones(len(chosen))
            keep[: len(is_gt)] = 1 - is_gt
            refined.append(boxes[keep.bool()])
        return refined

    def regress_by_class(
        self, rois: Tensor, label: Tensor, bbox_pred: Tensor, img_meta: Mapping[str, Any]
    ) -> Tensor:
        """Returns regions (n, 4) or (n, 5) moved to the boxes predicted for classes ``label``.

        Args:
            rois: (n, 4), or (n, 5) with the index of the image.
            label: (n,).
            bbox_pred: (n, 4·C) or (n, 4).
            img_meta: of the image; boxes are clipped to its ``img_shape``.
        """
        assert rois.size(1) in (4, 5)
        bbox_pred = at_least_fp32(bbox_pred)
        if not self.reg_class_agnostic:
            columns = label[:, None] * 4 + torch.arange(4, device=label.device)
            bbox_pred = bbox_pred.gather(1, columns)
        assert bbox_pred.size(1) == 4
        boxes = self.bbox_coder.decode(rois[:, -4:], bbox_pred, max_shape=img_meta["img_shape"])
        return boxes if rois.size(1) == 4 else torch.cat((rois[:, :1], boxes), dim=1)
