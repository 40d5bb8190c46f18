"""Testing of cascades: scores and masks are averaged over the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes import bbox2result, bbox2roi, merge_aug_bboxes, merge_aug_masks, multiclass_nms
from mmdet.models.numerics import at_least_fp32
from mmdet.models.roi_heads.test_mixins import boxes_of_input, map_to_view, probabilities

Metas = list[Mapping[str, Any]]


class CascadeTesting:
    """``simple_test`` and ``aug_test`` of a cascade."""

    num_stages: int
    bbox_head: Any
    mask_head: Any
    test_cfg: Any
    with_mask: bool
    _bbox_forward: Any
    _mask_preds: Any
    _context: Any

    def simple_test(
        self,
        x: Sequence[Tensor],
        proposal_list: list[Tensor],
        img_metas: Metas,
        proposals: Any = None,
        rescale: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Returns per image the boxes (n, 5) of each class, or a tuple of these and the masks."""
        context = self._context(x)
        counts = [len(boxes) for boxes in proposal_list]
        rois = bbox2roi(proposal_list)
        if not len(rois):
            return self._nothing(len(img_metas))
        rois, cls_score, bbox_pred = self._run_stages(x, rois, counts, img_metas, context)
        per_image = zip(
            rois.split(counts),
            cls_score.split(counts),
            self._split(bbox_pred, counts, self.num_stages - 1),
            img_metas,
            strict=True,
        )
        found = [
            self.bbox_head[-1].get_bboxes(
                rois_,
                scores,
                deltas,
                meta["img_shape"],
                meta["scale_factor"],
                rescale=rescale,
                cfg=self.test_cfg,
            )
            for rois_, scores, deltas, meta in per_image
        ]
        num_classes = self.bbox_head[-1].num_classes
        boxes = [bbox2result(dets, labels, num_classes) for dets, labels in found]
        if not self.with_mask:
            return boxes
        masks = self._simple_test_mask(x, img_metas, found, rescale, context)
        return list(zip(boxes, masks, strict=True))

    def _nothing(self, num_imgs: int) -> list[Any]:
        num_classes = self.bbox_head[-1].num_classes
        boxes = [
            [np.zeros((0, 5), dtype=np.float32) for _ in range(num_classes)]
            for _ in range(num_imgs)
        ]
        if not self.with_mask:
            return boxes
        masks = [[[] for _ in range(self.mask_head[-1].num_classes)] for _ in range(num_imgs)]
        return list(zip(boxes, masks, strict=True))

    def _split(self, bbox_pred: Any, counts: list[int], stage: int) -> Any:
        if isinstance(bbox_pred, Tensor):
            return bbox_pred.split(counts)
        return self.bbox_head[stage].bbox_pred_split(bbox_pred, counts)

    def _run_stages(
        self,
        x: Sequence[Tensor],
        rois: Tensor,
        counts: list[int],
        img_metas: Metas,
        context: dict[str, Any],
    ) -> tuple[Tensor, Tensor, Any]:
        """Returns regions of the last stage, average scores, and boxes of the last stage."""
        all_scores = []
        bbox_pred: Any = None
        for stage in range(self.num_stages):
            results = self._bbox_forward(stage, x, rois, **context)
            scores, bbox_pred = at_least_fp32(results["cls_score"]), results["bbox_pred"]
            all_scores.append(scores)
            if stage == self.num_stages - 1:
                break
            head = self.bbox_head[stage]
            logits = head.loss_cls.get_activation(scores) if head.custom_activation else scores
            labels = logits[:, :-1].argmax(dim=1).split(counts)
            deltas = self._split(bbox_pred, counts, stage)
            parts = zip(rois.split(counts), labels, deltas, img_metas, strict=True)
            rois = torch.cat([head.regress_by_class(*part) for part in parts if len(part[0])])
        return rois, sum(all_scores[1:], all_scores[0]) / float(self.num_stages), bbox_pred

    def _simple_test_mask(
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        found: list[tuple[Tensor, Tensor]],
        rescale: bool,
        context: dict[str, Any],
    ) -> list[list[Any]]:
        head = self.mask_head[-1]
        counts = [len(dets) for dets, _ in found]
        if not any(counts):
            return [[[] for _ in range(head.num_classes)] for _ in found]
        scale_factors = [meta["scale_factor"] for meta in img_metas]
        boxes, scales = boxes_of_input([dets for dets, _ in found], scale_factors, rescale)
        preds = [
            [probabilities(part) for part in pred.split(counts)]
            for pred in self._mask_preds(x, bbox2roi(boxes), **context)
        ]
        segms = []
        for i, meta in enumerate(img_metas):
            if not counts[i]:
                segms.append([[] for _ in range(head.num_classes)])
                continue
            of_stages = [pred[i] for pred in preds]
            # The stages are merged like views, of which none is flipped here.
            upright = [[{**meta, "flip": False}]] * len(of_stages)
            merged = merge_aug_masks(of_stages, upright, self.test_cfg)
            place = (self.test_cfg, meta["ori_shape"], scales[i], rescale)
            segms.append(head.get_seg_masks(merged, boxes[i], found[i][1], *place))
        return segms

    def aug_test(
        self,
        x: Sequence[Sequence[Tensor]],
        proposal_list: list[Tensor],
        img_metas: list[Metas],
        rescale: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Returns the same, in pixels of the original image, from several views of it."""
        contexts = [self._context(maps) for maps in x]
        all_boxes, all_scores = [], []
        for maps, metas, context in zip(x, img_metas, contexts, strict=True):
            rois = bbox2roi([map_to_view(proposal_list[0], metas[0])])
            if not len(rois):
                all_boxes.append(rois.new_zeros(0, 4))
                all_scores.append(rois.new_zeros(0, 1))
                continue
            rois, scores, deltas = self._run_stages(maps, rois, [len(rois)], metas, context)
            place = (metas[0]["img_shape"], metas[0]["scale_factor"])
            boxes, scores = self.bbox_head[-1].get_bboxes(rois, scores, deltas, *place)
            all_boxes.append(boxes)
            all_scores.append(scores)
        boxes, scores = merge_aug_bboxes(all_boxes, all_scores, img_metas, self.test_cfg)
        cfg = self.test_cfg
        dets, labels = multiclass_nms(boxes, scores, cfg.score_thr, cfg.nms, cfg.max_per_img)
        result = bbox2result(dets, labels, self.bbox_head[-1].num_classes)
        if not self.with_mask:
            return [result]
        return [(result, self._aug_test_mask(x, img_metas, dets, labels, contexts))]

    def _aug_test_mask(
        self,
        x: Sequence[Sequence[Tensor]],
        img_metas: list[Metas],
        dets: Tensor,
        labels: Tensor,
        contexts: list[dict[str, Any]],
    ) -> list[Any]:
        head = self.mask_head[-1]
        if not len(dets):
            return [[] for _ in range(head.num_classes)]
        masks, metas_of_masks = [], []
        for maps, metas, context in zip(x, img_metas, contexts, strict=True):
            rois = bbox2roi([map_to_view(dets, metas[0])])
            for pred in self._mask_preds(maps, rois, **context):
                masks.append(probabilities(pred))
                metas_of_masks.append(metas)
        merged = merge_aug_masks(masks, metas_of_masks, self.test_cfg)
        shape = img_metas[0][0]["ori_shape"]
        ones = dets.new_ones(4)
        return head.get_seg_masks(merged, dets, labels, self.test_cfg, shape, ones, False)
