"""Testing of dense heads: one view of an image, or several whose results are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.ops import batched_nms
from mmdet.boxes import bbox_mapping_back, merge_aug_proposals

Metas = list[Mapping[str, Any]]


class BBoxTestMixin:
    """Entries for testing that dense heads have beside ``forward`` and ``get_bboxes``."""

    test_cfg: Any
    get_bboxes: Any

    def simple_test_bboxes(self, feats: Any, img_metas: Metas, rescale: bool = False) -> list[Any]:
        """Returns per image boxes (n, 5) and labels (n,)."""
        outs = self.forward(feats)  # type: ignore[attr-defined]
        return self.get_bboxes(*outs, img_metas=img_metas, rescale=rescale)

    def aug_test_bboxes(
        self, feats: Sequence[Any], img_metas: list[Metas], rescale: bool = False
    ) -> list[tuple[Tensor, Tensor | None]]:
        """Returns boxes (n, 5) and labels (n,) of one image from several views of it.

        Args:
            feats: maps of each view.
            img_metas: for each view a list of one dict.
            rescale: return boxes in pixels of the original image, not of the first view.
        """
        all_boxes, all_scores, all_labels = [], [], []
        for x, metas in zip(feats, img_metas, strict=True):
            outs = self.forward(x)  # type: ignore[attr-defined]
            options = dict(cfg=self.test_cfg, rescale=False, with_nms=False)
            boxes, scores, *labels = self.get_bboxes(*outs, img_metas=metas, **options)[0]
            all_boxes.append(boxes)
            all_scores.append(scores)
            all_labels += labels[:1]
        boxes, scores = self.merge_aug_bboxes(all_boxes, all_scores, img_metas)
        labels = torch.cat(all_labels) if all_labels else None
        if not boxes.numel():
            return [(torch.cat([boxes, scores[:, None]], -1), labels)]
        assert labels is not None
        limit = self.test_cfg.max_per_img
        dets, keep = batched_nms(boxes, scores, labels, self.test_cfg.nms)
        dets = dets[:limit]
        if not rescale:
            scale = dets.new_tensor(img_metas[0][0]["scale_factor"])
            dets = torch.cat([dets[:, :4] * scale, dets[:, 4:]], -1)
        return [(dets, labels[keep][:limit])]

    def simple_test_rpn(self, x: Any, img_metas: Metas) -> list[Tensor]:
        """Returns per image proposals (n, 5) with scores."""
        outs = self(x)  # type: ignore[operator]
        return self.get_bboxes(*outs, img_metas=img_metas)

    def aug_test_rpn(self, feats: Sequence[Any], img_metas: list[Metas]) -> list[Tensor]:
        """Returns per image proposals (n, 5), in pixels of the original, merged from all views."""
        by_view = [
            self.simple_test_rpn(x, metas) for x, metas in zip(feats, img_metas, strict=True)
        ]
        by_image = zip(zip(*by_view, strict=True), zip(*img_metas, strict=True), strict=True)
        return [
            merge_aug_proposals(list(proposals), list(metas), self.test_cfg)
            for proposals, metas in by_image
        ]

    def merge_aug_bboxes(
        self, aug_bboxes: list[Tensor], aug_scores: list[Tensor], img_metas: list[Metas]
    ) -> tuple[Tensor, Tensor]:
        """Maps the boxes (n, 4) of all views back to the original image and joins them."""
        recovered = []
        for boxes, metas in zip(aug_bboxes, img_metas, strict=True):
            meta = metas[0]
            view = (meta["img_shape"], meta["scale_factor"], meta["flip"], meta["flip_direction"])
            recovered.append(bbox_mapping_back(boxes, *view))
        return torch.cat(recovered), torch.cat(aug_scores)
