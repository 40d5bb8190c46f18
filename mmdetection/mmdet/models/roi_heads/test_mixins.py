"""Testing of RoI heads: one view of an image, or several whose results are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes import (
    bbox2roi,
    bbox_mapping,
    merge_aug_bboxes,
    merge_aug_masks,
    multiclass_nms,
)
from mmdet.models.numerics import at_least_fp32

Metas = list[Mapping[str, Any]]


def map_to_view(boxes: Tensor, meta: Mapping[str, Any]) -> Tensor:
    """Maps boxes (n, 4+) of the original image to the view that ``meta`` describes."""
    view = (meta["img_shape"], meta["scale_factor"], meta["flip"], meta["flip_direction"])
    return bbox_mapping(boxes[:, :4], *view)


def boxes_of_input(det_bboxes: list[Tensor], scale_factors: Sequence[Any], rescale: bool) -> Any:
    """Returns detections (n, 4) in pixels of the input, and the scales as tensors."""
    if not rescale:
        return [boxes[:, :4] for boxes in det_bboxes], scale_factors
    scales = [
        boxes.new_tensor([scale] * 4 if isinstance(scale, float) else scale)
        for boxes, scale in zip(det_bboxes, scale_factors, strict=True)
    ]
    return [boxes[:, :4] * s for boxes, s in zip(det_bboxes, scales, strict=True)], scales


def probabilities(mask_pred: Tensor) -> np.ndarray:
    """Returns logits as probabilities on the host, which has more memory."""
    return at_least_fp32(mask_pred).sigmoid().cpu().numpy()


class BBoxTestMixin:
    """Testing of boxes."""

    bbox_head: Any
    _bbox_forward: Any

    def simple_test_bboxes(
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        proposals: list[Tensor],
        rcnn_test_cfg: Any,
        rescale: bool = False,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Returns per image boxes (n, 5) and labels (n,).

        Args:
            x: maps of the pyramid.
            img_metas: one dict per image.
            proposals: per image (n, 4) or (n, 5).
            rcnn_test_cfg: how detections are chosen; None: return boxes (n, 4·C) and scores.
            rescale: return boxes in pixels of the original image.
        """
        rois = bbox2roi(proposals)
        if not len(rois):
            nothing = self._no_boxes(rois, rcnn_test_cfg)
            return [nothing[0]] * len(proposals), [nothing[1]] * len(proposals)
        results = self._bbox_forward(x, rois)
        counts = [len(boxes) for boxes in proposals]
        all_rois, scores = rois.split(counts), results["cls_score"].split(counts)
        deltas: Any = results["bbox_pred"]
        if isinstance(deltas, Tensor):
            deltas = deltas.split(counts)
        elif deltas is None:
            deltas = [None] * len(proposals)
        else:  # heads such as SABL, whose prediction is a tuple
            deltas = self.bbox_head.bbox_pred_split(deltas, counts)
        found = []
        for i, meta in enumerate(img_metas):
            if not counts[i]:
                found.append(self._no_boxes(rois, rcnn_test_cfg))
                continue
            place = (meta["img_shape"], meta["scale_factor"])
            found.append(
                self.bbox_head.get_bboxes(
                    all_rois[i], scores[i], deltas[i], *place, rescale=rescale, cfg=rcnn_test_cfg
                )
            )
        return [boxes for boxes, _ in found], [labels for _, labels in found]

    def _no_boxes(self, rois: Tensor, rcnn_test_cfg: Any) -> tuple[Tensor, Tensor]:
        if rcnn_test_cfg is None:
            return rois.new_zeros(0, 4), rois.new_zeros(0, self.bbox_head.fc_cls.out_features)
        return rois.new_zeros(0, 5), rois.new_zeros(0, dtype=torch.long)

    def aug_test_bboxes(
        self,
        feats: Sequence[Sequence[Tensor]],
        img_metas: list[Metas],
        proposal_list: list[Tensor],
        rcnn_test_cfg: Any,
    ) -> tuple[Tensor, ...]:
        """Returns boxes (n, 5) and labels (n,) in pixels of the original, merged from all views.

        Args:
            feats: maps of each view.
            img_metas: for each view a list of one dict.
            proposal_list: a list of (n, 5), in pixels of the original image.
            rcnn_test_cfg: how detections are chosen.
        """
        all_boxes, all_scores = [], []
        for x, metas in zip(feats, img_metas, strict=True):
            meta = metas[0]
            rois = bbox2roi([map_to_view(proposal_list[0], meta)])
            boxes, scores = self._boxes_of_view(x, rois, meta)
            all_boxes.append(boxes)
            all_scores.append(scores)
        boxes, scores = merge_aug_bboxes(all_boxes, all_scores, img_metas, rcnn_test_cfg)
        if not len(boxes):
            return boxes.new_zeros(0, 5), boxes.new_zeros(0, dtype=torch.long)
        return multiclass_nms(
            boxes, scores, rcnn_test_cfg.score_thr, rcnn_test_cfg.nms, rcnn_test_cfg.max_per_img
        )

    def _boxes_of_view(
        self, x: Sequence[Tensor], rois: Tensor, meta: Mapping[str, Any]
    ) -> tuple[Tensor, ...]:
        results = self._bbox_forward(x, rois)
        return self.bbox_head.get_bboxes(
            rois,
            results["cls_score"],
            results["bbox_pred"],
            meta["img_shape"],
            meta["scale_factor"],
            rescale=False,
            cfg=None,
        )


class MaskTestMixin:
    """Testing of masks."""

    mask_head: Any
    test_cfg: Any
    _mask_forward: Any

    def simple_test_mask(
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        det_bboxes: list[Tensor],
        det_labels: list[Tensor],
        rescale: bool = False,
    ) -> list[list[Any]]:
        """Returns per image and class the masks of detections.

        Args:
            x: maps of the pyramid.
            img_metas: one dict per image.
            det_bboxes: per image (n, 5), in pixels of the original image with ``rescale``.
            det_labels: per image (n,).
            rescale: give masks the size of the original image.
        """
        num_classes = self.mask_head.num_classes
        if not any(len(boxes) for boxes in det_bboxes):
            return [[[] for _ in range(num_classes)] for _ in det_bboxes]
        scale_factors = [meta["scale_factor"] for meta in img_metas]
        boxes, scales = boxes_of_input(det_bboxes, scale_factors, rescale)
        mask_pred = self._mask_forward(x, bbox2roi(boxes))["mask_pred"]
        preds = mask_pred.split([len(found) for found in det_bboxes])
        return [
            self.mask_head.get_seg_masks(
                preds[i],
                boxes[i],
                det_labels[i],
                self.test_cfg,
                meta["ori_shape"],
                scales[i],
                rescale,
            )
            if len(boxes[i])
            else [[] for _ in range(num_classes)]
            for i, meta in enumerate(img_metas)
        ]

    def aug_test_mask(
        self,
        feats: Sequence[Sequence[Tensor]],
        img_metas: list[Metas],
        det_bboxes: Tensor,
        det_labels: Tensor,
    ) -> list[Any]:
        """Returns the masks of one image by class, averaged over all views.

        Args:
            feats: maps of each view.
            img_metas: for each view a list of one dict.
            det_bboxes: (n, 5) in pixels of the original image.
            det_labels: (n,).
        """
        if not len(det_bboxes):
            return [[] for _ in range(self.mask_head.num_classes)]
        masks = []
        for x, metas in zip(feats, img_metas, strict=True):
            rois = bbox2roi([map_to_view(det_bboxes, metas[0])])
            masks.append(probabilities(self._mask_forward(x, rois)["mask_pred"]))
        return self.mask_head.get_seg_masks(
            merge_aug_masks(masks, img_metas, self.test_cfg),
            det_bboxes,
            det_labels,
            self.test_cfg,
            img_metas[0][0]["ori_shape"],
            scale_factor=det_bboxes.new_ones(4),
            rescale=False,
        )
