"""Stages of box heads, each working on the boxes of the one before (arXiv:1712.00726)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.model import ModuleList
from mmdet.boxes import bbox2roi
from mmdet.boxes.builder import build_assigner, build_sampler
from mmdet.models.builder import build_head, build_roi_extractor
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead, sample_regions
from mmdet.models.roi_heads.cascade_testing import CascadeTesting
from mmdet.registry import MODELS, ModelConfigError

Metas = list[Mapping[str, Any]]


@MODELS.register_module()
class CascadeRoIHead(CascadeTesting, BaseRoIHead):
    """Several box heads (and mask heads), of rising quality.

    Keys ``bbox_head.0. bbox_head.1. ...``. Parts that are given once are built for each stage;
    lists give one for each. ``train_cfg`` is a list too.

    Args:
        num_stages: how many.
        stage_loss_weights: factor of the losses of each stage.
        bbox_roi_extractor: see :class:`BaseRoIHead`.
        bbox_head: likewise.
        mask_roi_extractor: likewise.
        mask_head: likewise.
        shared_head: must be None.
        train_cfg: one dict per stage.
        test_cfg: see :class:`BaseRoIHead`.
        pretrained: likewise.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        num_stages: int,
        stage_loss_weights: Sequence[float],
        bbox_roi_extractor: Any = None,
        bbox_head: Any = None,
        mask_roi_extractor: Any = None,
        mask_head: Any = None,
        shared_head: Any = None,
        train_cfg: Any = None,
        test_cfg: Any = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        if bbox_roi_extractor is None or bbox_head is None:
            raise ModelConfigError("a cascade needs bbox_roi_extractor and bbox_head")
        if shared_head is not None:
            raise ModelConfigError("a cascade has no shared_head")
        self.num_stages = num_stages
        self.stage_loss_weights = stage_loss_weights
        self.current_stage = 0
        super().__init__(
            bbox_roi_extractor=bbox_roi_extractor,
            bbox_head=bbox_head,
            mask_roi_extractor=mask_roi_extractor,
            mask_head=mask_head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )

    def _per_stage(self, part: Any, name: str) -> list[Any]:
        parts = list(part) if isinstance(part, (list, tuple)) else [part] * self.num_stages
        if len(parts) != self.num_stages:
            raise ModelConfigError(
                f"{name} has {len(parts)} entries, but num_stages = {self.num_stages}"
            )
        return parts

    def init_bbox_head(self, bbox_roi_extractor: Any, bbox_head: Any) -> None:
        """Builds the parts for boxes of each stage."""
        extractors = self._per_stage(bbox_roi_extractor, "bbox_roi_extractor")
        heads = self._per_stage(bbox_head, "bbox_head")
        self.bbox_roi_extractor: Any = ModuleList()
        self.bbox_head: Any = ModuleList()
        for extractor, head in zip(extractors, heads, strict=True):
            self.bbox_roi_extractor.append(build_roi_extractor(extractor))
            self.bbox_head.append(build_head(head))

    def init_mask_head(self, mask_roi_extractor: Any, mask_head: Any) -> None:
        """Builds the parts for masks of each stage."""
        heads = self._per_stage(mask_head, "mask_head")
        self.mask_head: Any = nn.ModuleList([build_head(head) for head in heads])
        self.share_roi_extractor = mask_roi_extractor is None
        if self.share_roi_extractor:
            self.mask_roi_extractor: Any = self.bbox_roi_extractor
            return
        extractors = self._per_stage(mask_roi_extractor, "mask_roi_extractor")
        self.mask_roi_extractor = ModuleList([build_roi_extractor(cfg) for cfg in extractors])

    def init_assigner_sampler(self) -> None:
        """Builds what chooses the regions for training in each stage."""
        self.bbox_assigner: list[Any] = []
        self.bbox_sampler: list[Any] = []
        if self.train_cfg is None:
            return
        for stage, cfg in enumerate(self._per_stage(self.train_cfg, "train_cfg.rcnn")):
            self.current_stage = stage  # samplers that use a head look here
            self.bbox_assigner.append(build_assigner(cfg.assigner))
            self.bbox_sampler.append(build_sampler(cfg.sampler, context=self))

    def forward_dummy(self, x: Sequence[Tensor], proposals: Tensor) -> tuple[Any, ...]:
        """Returns raw outputs of all stages for proposals (n, 4) of one image."""
        context = self._context(x)
        outs: tuple[Any, ...] = ()
        rois = bbox2roi([proposals])
        for stage in range(self.num_stages):
            results = self._bbox_forward(stage, x, rois, **context)
            outs += (results["cls_score"], results["bbox_pred"])
        if self.with_mask:
            outs += tuple(self._mask_preds(x, rois[:100], **context))
        return outs

    def _bbox_forward(self, stage: int, x: Sequence[Tensor], rois: Tensor) -> dict[str, Any]:
        """Returns ``cls_score`` (N, C + 1), ``bbox_pred`` (N, 4·C) and ``bbox_feats``."""
        extractor = self.bbox_roi_extractor[stage]
        feats = extractor(x[: extractor.num_inputs], rois)
        cls_score, bbox_pred = self.bbox_head[stage](feats)
        return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=feats)

    def _bbox_forward_train(
        self,
        stage: int,
        x: Sequence[Tensor],
        sampling_results: list[Any],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        rcnn_train_cfg: Any,
        **context: Any,
    ) -> dict[str, Any]:
        """Returns what ``_bbox_forward`` does, ``loss_bbox``, ``rois`` and ``bbox_targets``."""
        head = self.bbox_head[stage]
        rois = bbox2roi([res.bboxes for res in sampling_results])
        results = self._bbox_forward(stage, x, rois, **context)
        targets = head.get_targets(sampling_results, gt_bboxes, gt_labels, rcnn_train_cfg)
        losses = head.loss(results["cls_score"], results["bbox_pred"], rois, *targets)
        return {**results, "loss_bbox": losses, "rois": rois, "bbox_targets": targets}

    def _mask_forward(self, stage: int, x: Sequence[Tensor], rois: Tensor) -> dict[str, Any]:
        """Returns ``mask_pred`` (n, C, m, m)."""
        extractor = self.mask_roi_extractor[stage]
        feats = extractor(x[: extractor.num_inputs], rois)
        return dict(mask_pred=self.mask_head[stage](feats))

    def _mask_forward_train(
        self,
        stage: int,
        x: Sequence[Tensor],
        sampling_results: list[Any],
        gt_masks: Any,
        rcnn_train_cfg: Any,
        **context: Any,
    ) -> dict[str, Any]:
        """Returns what ``_mask_forward`` does and the losses as ``loss_mask``."""
        rois = bbox2roi([res.pos_bboxes for res in sampling_results])
        results = self._mask_forward(stage, x, rois, **context)
        head = self.mask_head[stage]
        targets = head.get_targets(sampling_results, gt_masks, rcnn_train_cfg)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        return {**results, "loss_mask": head.loss(results["mask_pred"], targets, labels)}

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
        """Returns ``s0.loss_cls``, ``s0.acc``, ``s0.loss_bbox``, ``s0.loss_mask``, ``s1...``."""
        losses: dict[str, Any] = {}
        objects = (gt_bboxes, gt_labels)
        for stage in range(self.num_stages):
            self.current_stage = stage
            cfg = self.train_cfg[stage]
            sampled = self._sample(stage, x, proposal_list, *objects, gt_bboxes_ignore)
            results = self._bbox_forward_train(stage, x, sampled, *objects, cfg)
            self._add_losses(losses, stage, results["loss_bbox"])
            if self.with_mask:
                masks = self._mask_forward_train(stage, x, sampled, gt_masks, cfg)
                self._add_losses(losses, stage, masks["loss_mask"])
            if stage < self.num_stages - 1:
                labels = self._labels_to_refine(stage, results)
                proposal_list = self._refine(stage, results, labels, sampled, img_metas)
        return losses

    def _sample(self, stage: int, *args: Any) -> list[Any]:
        return sample_regions(self.bbox_assigner[stage], self.bbox_sampler[stage], *args)

    def _add_losses(self, losses: dict[str, Any], stage: int, found: Mapping[str, Any]) -> None:
        weight = self.stage_loss_weights[stage]
        for name, value in found.items():
            losses[f"s{stage}.{name}"] = value * weight if "loss" in name else value

    def _labels_to_refine(self, stage: int, results: dict[str, Any]) -> Tensor:
        """Returns the true labels; of regions of the background the likeliest class."""
        head = self.bbox_head[stage]
        labels, scores = results["bbox_targets"][0], results["cls_score"].detach()
        if not scores.numel():
            return labels
        scores = head.loss_cls.get_activation(scores) if head.custom_activation else scores
        return torch.where(labels == head.num_classes, scores[:, :-1].argmax(1), labels)

    def _refine(
        self,
        stage: int,
        results: dict[str, Any],
        labels: Tensor,
        sampling_results: list[Any],
        img_metas: Metas,
    ) -> list[Tensor]:
        is_gt = [res.pos_is_gt for res in sampling_results]
        deltas = results["bbox_pred"].detach()
        return self.bbox_head[stage].refine_bboxes(
            results["rois"], labels, deltas, is_gt, img_metas
        )

    def _context(self, x: Sequence[Tensor]) -> dict[str, Any]:
        """Returns what the stages need beside the maps; here nothing."""
        return {}

    def _mask_preds(self, x: Sequence[Tensor], rois: Tensor) -> list[Tensor]:
        """Returns the logits (n, C, m, m) of every stage."""
        return [self._mask_forward(i, x, rois)["mask_pred"] for i in range(self.num_stages)]
