"""Hybrid task cascade (Chen et al., 2019, arXiv:1901.07518)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from mmdet.models.builder import build_head, build_roi_extractor
from mmdet.models.roi_heads.cascade_roi_head import CascadeRoIHead
from mmdet.registry import MODELS, ModelConfigError

Metas = list[Mapping[str, Any]]


@MODELS.register_module()
class HybridTaskCascadeRoIHead(CascadeRoIHead):
    """A cascade whose masks use the boxes of their own stage and the features of earlier masks.

    Args:
        num_stages: see :class:`CascadeRoIHead`.
        stage_loss_weights: likewise.
        semantic_roi_extractor: cuts regions out of the semantic features.
        semantic_head: a :class:`FusedSemanticHead`.
        semantic_fusion: heads whose features get the semantic ones added: "bbox", "mask".
        interleaved: mask heads are trained on the boxes that the stage refined.
        mask_info_flow: mask heads hand their features on.
        **kwargs: further arguments of :class:`CascadeRoIHead`.
    """

    def __init__(
        self,
        num_stages: int,
        stage_loss_weights: Sequence[float],
        semantic_roi_extractor: Any = None,
        semantic_head: Any = None,
        semantic_fusion: Sequence[str] = ("bbox", "mask"),
        interleaved: bool = True,
        mask_info_flow: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_stages, stage_loss_weights, **kwargs)
        self.semantic_head: Any = None
        if semantic_head is not None:
            self.semantic_roi_extractor: Any = build_roi_extractor(semantic_roi_extractor)
            self.semantic_head = build_head(semantic_head)
        unknown = set(semantic_fusion) - {"bbox", "mask"}
        if unknown:
            raise ModelConfigError(f"semantic_fusion has 'bbox' and 'mask' only, not {unknown}")
        self.semantic_fusion = semantic_fusion
        self.interleaved = interleaved
        self.mask_info_flow = mask_info_flow

    @property
    def with_semantic(self) -> bool:
        """Whether there is a semantic branch."""
        return self.semantic_head is not None

    def _context(self, x: Sequence[Tensor]) -> dict[str, Any]:
        return dict(semantic_feat=self.semantic_head(x)[1] if self.with_semantic else None)

    def _add_semantic(self, name: str, feats: Tensor, semantic: Any, rois: Tensor) -> Tensor:
        """Adds the semantic features of regions to ``feats`` (n, C, h, w)."""
        if semantic is None or name not in self.semantic_fusion:
            return feats
        added = self.semantic_roi_extractor([semantic], rois)
        if added.shape[-2:] != feats.shape[-2:]:
            added = F.adaptive_avg_pool2d(added, (feats.shape[-2], feats.shape[-1]))
        return feats + added

    def _bbox_forward(  # type: ignore[override]
        self, stage: int, x: Sequence[Tensor], rois: Tensor, semantic_feat: Tensor | None = None
    ) -> dict[str, Any]:
        extractor = self.bbox_roi_extractor[stage]
        feats = extractor(x[: extractor.num_inputs], rois)
        feats = self._add_semantic("bbox", feats, semantic_feat, rois)
        cls_score, bbox_pred = self.bbox_head[stage](feats)
        return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=feats)

    def _mask_feats(
        self, stage: int, x: Sequence[Tensor], rois: Tensor, semantic_feat: Tensor | None
    ) -> Tensor:
        extractor = self.mask_roi_extractor[stage]
        feats = extractor(x[: extractor.num_inputs], rois)
        return self._add_semantic("mask", feats, semantic_feat, rois)

    def _mask_forward(  # type: ignore[override]
        self, stage: int, x: Sequence[Tensor], rois: Tensor, semantic_feat: Tensor | None = None
    ) -> dict[str, Any]:
        """Returns ``mask_pred`` of one stage; the mask heads before it run for their features."""
        feats = self._mask_feats(stage, x, rois, semantic_feat)
        if not self.mask_info_flow:
            return dict(mask_pred=self.mask_head[stage](feats, return_feat=False))
        last = None
        for head in self.mask_head[:stage]:
            last = head(feats, last, return_logits=False)
        return dict(mask_pred=self.mask_head[stage](feats, last, return_feat=False))

    def _mask_preds(  # type: ignore[override]
        self, x: Sequence[Tensor], rois: Tensor, semantic_feat: Tensor | None = None
    ) -> list[Tensor]:
        feats = self._mask_feats(self.num_stages - 1, x, rois, semantic_feat)
        preds, last = [], None
        for head in self.mask_head:
            if self.mask_info_flow:
                pred, last = head(feats, last)
            else:
                pred = head(feats, return_feat=False)
            preds.append(pred)
        return preds

    def forward_train(
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        proposal_list: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
        gt_masks: list[Any] | None = None,
        gt_semantic_seg: Tensor | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the losses of a cascade, and ``loss_semantic_seg``.

        Args:
            x: maps of the pyramid.
            img_metas: one dict per image.
            proposal_list: per image (n, 4) or (n, 5).
            gt_bboxes: per image (k, 4).
            gt_labels: per image (k,).
            gt_bboxes_ignore: per image boxes that are neither object nor background.
            gt_masks: per image the masks of its objects.
            gt_semantic_seg: (B, 1, h, w) classes, in the size of the semantic head's logits.
            **kwargs: further targets, without effect here.
        """
        losses: dict[str, Any] = {}
        context: dict[str, Any] = dict(semantic_feat=None)
        if self.with_semantic:
            pred, context["semantic_feat"] = self.semantic_head(x)
            losses["loss_semantic_seg"] = self.semantic_head.loss(pred, gt_semantic_seg)
        objects = (gt_bboxes, gt_labels)
        for stage in range(self.num_stages):
            self.current_stage = stage
            cfg = self.train_cfg[stage]
            sampled = self._sample(stage, x, proposal_list, *objects, gt_bboxes_ignore)
            results = self._bbox_forward_train(stage, x, sampled, *objects, cfg, **context)
            self._add_losses(losses, stage, results["loss_bbox"])
            if self._refines(stage):
                labels = self._labels_to_refine(stage, results)
                proposal_list = self._refine(stage, results, labels, sampled, img_metas)
            if self.with_mask:
                if self.interleaved:
                    sampled = self._sample(stage, x, proposal_list, *objects, gt_bboxes_ignore)
                masks = self._mask_forward_train(stage, x, sampled, gt_masks, cfg, **context)
                self._add_losses(losses, stage, masks["loss_mask"])
        return losses

    def _refines(self, stage: int) -> bool:
        return stage < self.num_stages - 1 or (self.interleaved and self.with_mask)
