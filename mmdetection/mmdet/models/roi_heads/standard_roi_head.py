"""The RoI head of Faster and Mask R-CNN: one box head and, optionally, one mask head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes import bbox2result, bbox2roi
from mmdet.boxes.builder import build_assigner, build_sampler
from mmdet.models.builder import build_head, build_roi_extractor
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead, sample_regions
from mmdet.models.roi_heads.test_mixins import BBoxTestMixin, MaskTestMixin
from mmdet.registry import MODELS

Metas = list[Mapping[str, Any]]


@MODELS.register_module()
class StandardRoIHead(BaseRoIHead, BBoxTestMixin, MaskTestMixin):
    """A box head and a mask head; arguments as in :class:`BaseRoIHead`.

    Legend: N regions, C classes.
    """

    def init_assigner_sampler(self) -> None:
        """Builds what chooses the regions for training."""
        self.bbox_assigner: Any = None
        self.bbox_sampler: Any = None
        if self.train_cfg:
            self.bbox_assigner = build_assigner(self.train_cfg.assigner)
            self.bbox_sampler = build_sampler(self.train_cfg.sampler, context=self)

    def init_bbox_head(self, bbox_roi_extractor: Any, bbox_head: Any) -> None:
        """Builds the parts for boxes."""
        self.bbox_roi_extractor: Any = build_roi_extractor(bbox_roi_extractor)
        self.bbox_head: Any = build_head(bbox_head)

    def init_mask_head(self, mask_roi_extractor: Any, mask_head: Any) -> None:
        """Builds the parts for masks."""
        self.share_roi_extractor = mask_roi_extractor is None
        if self.share_roi_extractor:
            self.mask_roi_extractor: Any = self.bbox_roi_extractor
        else:
            self.mask_roi_extractor = build_roi_extractor(mask_roi_extractor)
        self.mask_head: Any = build_head(mask_head)

    def forward_dummy(self, x: Sequence[Tensor], proposals: Tensor) -> tuple[Any, ...]:
        """Returns raw outputs for proposals (n, 4) of one image; masks for the first 100."""
        outs: tuple[Any, ...] = ()
        rois = bbox2roi([proposals])
        if self.with_bbox:
            results = self._bbox_forward(x, rois)
            outs += (results["cls_score"], results["bbox_pred"])
        if self.with_mask:
            outs += (self._mask_forward(x, rois[:100])["mask_pred"],)
        return outs

    def forward_train(
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        proposal_list: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
        gt_masks: list[Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns ``loss_cls``, ``acc``, ``loss_bbox`` and ``loss_mask``; see the base class."""
        sampled = sample_regions(
            self.bbox_assigner,
            self.bbox_sampler,
            x,
            proposal_list,
            gt_bboxes,
            gt_labels,
            gt_bboxes_ignore,
        )
        losses: dict[str, Any] = {}
        feats = None
        if self.with_bbox:
            results = self._bbox_forward_train(x, sampled, gt_bboxes, gt_labels, img_metas)
            feats = results["bbox_feats"]
            losses.update(results["loss_bbox"])
        if self.with_mask:
            results = self._mask_forward_train(x, sampled, feats, gt_masks, img_metas)
            losses.update(results["loss_mask"])
        return losses

    def _bbox_forward(self, x: Sequence[Tensor], rois: Tensor) -> dict[str, Any]:
        """Returns ``cls_score`` (N, C + 1), ``bbox_pred`` (N, 4·C) and ``bbox_feats``."""
        feats = self.bbox_roi_extractor(x[: self.bbox_roi_extractor.num_inputs], rois)
        if self.with_shared_head:
            feats = self.shared_head(feats)
        cls_score, bbox_pred = self.bbox_head(feats)
        return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=feats)

    def _bbox_forward_train(
        self,
        x: Sequence[Tensor],
        sampling_results: list[Any],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        img_metas: Metas,
    ) -> dict[str, Any]:
        """Returns what ``_bbox_forward`` does, and the losses as ``loss_bbox``."""
        rois = bbox2roi([res.bboxes for res in sampling_results])
        results = self._bbox_forward(x, rois)
        targets = self.bbox_head.get_targets(sampling_results, gt_bboxes, gt_labels, self.train_cfg)
        losses = self.bbox_head.loss(results["cls_score"], results["bbox_pred"], rois, *targets)
        return {**results, "loss_bbox": losses}

    def _mask_forward_train(
        self,
        x: Sequence[Tensor],
        sampling_results: list[Any],
        bbox_feats: Tensor | None,
        gt_masks: Any,
        img_metas: Metas,
    ) -> dict[str, Any]:
        """Returns what ``_mask_forward`` does, the targets and the losses as ``loss_mask``."""
        if self.share_roi_extractor:
            parts = []
            for res in sampling_results:
                parts.append(res.pos_bboxes.new_ones(len(res.pos_bboxes), dtype=torch.bool))
                parts.append(res.pos_bboxes.new_zeros(len(res.neg_bboxes), dtype=torch.bool))
            results = self._mask_forward(x, pos_inds=torch.cat(parts), bbox_feats=bbox_feats)
        else:
            results = self._mask_forward(x, bbox2roi([res.pos_bboxes for res in sampling_results]))
        targets = self.mask_head.get_targets(sampling_results, gt_masks, self.train_cfg)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        losses = self.mask_head.loss(results["mask_pred"], targets, labels)
        return {**results, "loss_mask": losses, "mask_targets": targets}

    def _mask_forward(
        self,
        x: Sequence[Tensor],
        rois: Tensor | None = None,
        pos_inds: Tensor | None = None,
        bbox_feats: Tensor | None = None,
    ) -> dict[str, Any]:
        """Returns ``mask_pred`` (n, C, m, m) and ``mask_feats``.

        Args:
            x: maps of the pyramid.
            rois: (n, 5), or instead:
            pos_inds: which of ``bbox_feats`` are used.
            bbox_feats: features of the boxes.
        """
        assert (rois is not None) ^ (pos_inds is not None and bbox_feats is not None)
        if rois is not None:
            feats = self.mask_roi_extractor(x[: self.mask_roi_extractor.num_inputs], rois)
            feats = self.shared_head(feats) if self.with_shared_head else feats
        else:
            assert bbox_feats is not None
            feats = bbox_feats[pos_inds]
        return dict(mask_pred=self.mask_head(feats), mask_feats=feats)

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
        assert self.with_bbox, "a box head is needed"
        det_bboxes, det_labels = self.simple_test_bboxes(
            x, img_metas, proposal_list, self.test_cfg, rescale=rescale
        )
        num_classes = self.bbox_head.num_classes
        boxes = [
            bbox2result(found, labels, num_classes)
            for found, labels in zip(det_bboxes, det_labels, strict=True)
        ]
        if not self.with_mask:
            return boxes
        masks = self.simple_test_mask(x, img_metas, det_bboxes, det_labels, rescale=rescale)
        return list(zip(boxes, masks, strict=True))

    def aug_test(
        self,
        x: Sequence[Sequence[Tensor]],
        proposal_list: list[Tensor],
        img_metas: list[Metas],
        rescale: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Returns the same from several views; without ``rescale`` boxes fit the first view."""
        found, labels = self.aug_test_bboxes(x, img_metas, proposal_list, self.test_cfg)
        shown = found
        if not rescale:
            scale = found.new_tensor(img_metas[0][0]["scale_factor"])
            shown = torch.cat([found[:, :4] * scale, found[:, 4:]], dim=-1)
        boxes = bbox2result(shown, labels, self.bbox_head.num_classes)
        if not self.with_mask:
            return [boxes]
        return [(boxes, self.aug_test_mask(x, img_metas, found, labels))]
