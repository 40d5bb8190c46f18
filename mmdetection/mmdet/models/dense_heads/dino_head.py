"""DINO's head (Zhang et al., 2022, arXiv:2203.03605)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from mmdet.boxes import bbox_xyxy_to_cxcywh, multi_apply
from mmdet.models.dense_heads.deformable_detr_head import DeformableDETRHead
from mmdet.models.dense_heads.set_prediction_head import Metas, name_losses
from mmdet.models.numerics import at_least_fp32, zero_loss
from mmdet.models.utils.dino_transformer import LOGIT_EPS
from mmdet.models.utils.query_denoising import build_dn_generator, image_factor
from mmdet.registry import MODELS, ModelConfigError

DnMeta = Mapping[str, int]


@MODELS.register_module()
class DINOHead(DeformableDETRHead):
    """A two-stage head with box refinement that learns to clean noisy objects beside matching.

    Keys beside those of the base class: ``label_embedding``.

    Args:
        args: of :class:`DeformableDETRHead`.
        dn_cfg: the generator of denoising queries; needed for training.
        kwargs: of :class:`DeformableDETRHead`.
    """

    def __init__(self, *args: Any, dn_cfg: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (self.as_two_stage and self.with_box_refine):
            raise ModelConfigError("DINOHead: as_two_stage and with_box_refine must be True")
        proposals = self.transformer.two_stage_num_proposals
        if proposals != self.num_query:
            raise ModelConfigError(
                f"transformer.two_stage_num_proposals must be num_query, {self.num_query}, but is"
                f" {proposals}"
            )
        self.init_denoising(dn_cfg)

    def _init_layers(self) -> None:
        """Adds the embedding of noisy labels to the layers."""
        super()._init_layers()
        self.label_embedding = nn.Embedding(self.cls_out_channels, self.embed_dims)

    def init_denoising(self, dn_cfg: Mapping[str, Any] | None) -> None:
        """Builds the generator of denoising queries."""
        sizes = dict(
            num_classes=self.num_classes, num_queries=self.num_query, hidden_dim=self.embed_dims
        )
        self.dn_generator = build_dn_generator(None if dn_cfg is None else {**dn_cfg, **sizes})

    def forward_train(  # type: ignore[override]
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: Any = None,
        proposal_cfg: Any = None,
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Returns the losses of a batch; arguments as in :class:`BaseDenseHead`."""
        assert proposal_cfg is None, '"proposal_cfg" must be None'
        if self.dn_generator is None:
            raise ModelConfigError("bbox_head.dn_cfg: DINOHead needs it for training")
        contents, boxes, attn_mask, dn_meta = self.dn_generator(
            gt_bboxes, gt_labels, self.label_embedding, img_metas
        )
        outs = self(x, img_metas, contents, boxes, attn_mask)
        return cast(Any, self.loss)(
            *outs, gt_bboxes, gt_labels, img_metas, dn_meta, gt_bboxes_ignore=gt_bboxes_ignore
        )

    def forward(  # type: ignore[override]
        self,
        mlvl_feats: Sequence[Tensor],
        img_metas: Metas,
        dn_label_query: Tensor | None = None,
        dn_bbox_query: Tensor | None = None,
        attn_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predicts from a pyramid.

        Args:
            mlvl_feats: (B, embed_dims, H, W) each.
            img_metas: one dict per image, with ``batch_input_shape`` and ``img_shape``.
            dn_label_query: (B, D, embed_dims) contents of denoising queries.
            dn_bbox_query: (B, D, 4) their boxes before the sigmoid.
            attn_mask: (D + Q, D + Q) bool, True where self attention is forbidden.

        Returns:
            (L, B, D + Q, C) logits and (L, B, D + Q, 4) boxes; (B, Q, C) logits and (B, Q, 4)
            boxes of the encoder's choice.
        """
        feats, masks, encodings = self._inputs(mlvl_feats, img_metas)
        hs, references, topk_score, topk_anchor = self.transformer(
            feats,
            masks,
            None,
            encodings,
            dn_label_query,
            dn_bbox_query,
            attn_mask,
            reg_branches=self.reg_branches,
            cls_branches=self.cls_branches,
        )
        if dn_label_query is not None:
            # Without any object no query holds an embedding: distributed training needs a gradient.
            hs = torch.cat([hs[:1] + zero_loss(self.label_embedding.weight), hs[1:]])
        classes, boxes = self._predict(hs, list(references[:-1]), LOGIT_EPS)
        return classes, boxes, topk_score, topk_anchor

    def loss(  # type: ignore[override]
        self,
        all_cls_scores: Tensor,
        all_bbox_preds: Tensor,
        enc_topk_scores: Tensor | None,
        enc_topk_anchors: Tensor | None,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        dn_meta: DnMeta | None = None,
        gt_bboxes_ignore: Any = None,
    ) -> dict[str, Tensor]:
        """Returns ``interm_loss_*``, ``[d{i}.]loss_*`` and ``[d{i}.]dn_loss_*``.

        Args:
            all_cls_scores: (L, B, D + Q, C).
            all_bbox_preds: (L, B, D + Q, 4).
            enc_topk_scores: (B, Q, C) of the encoder.
            enc_topk_anchors: (B, Q, 4) of the encoder.
            gt_bboxes_list: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels_list: per image (k,).
            img_metas: one dict per image.
            dn_meta: layout of the denoising queries; None: there are none (D = 0).
            gt_bboxes_ignore: must be None.
        """
        scores, boxes, dn_scores, dn_boxes = self.extract_dn_outputs(
            all_cls_scores, all_bbox_preds, dn_meta
        )
        truth = (gt_bboxes_list, gt_labels_list, img_metas)
        losses: dict[str, Tensor] = {}
        if enc_topk_scores is not None and enc_topk_anchors is not None:
            interm = self.loss_single(enc_topk_scores, enc_topk_anchors, *truth, gt_bboxes_ignore)
            losses.update(name_losses([interm], "interm_"))
        losses.update(self._layer_losses(scores, boxes, *truth, gt_bboxes_ignore))
        if dn_scores is not None and dn_boxes is not None and dn_meta is not None:
            dn_losses = self.loss_dn(dn_scores, dn_boxes, *truth, dn_meta)
            losses.update(name_losses(list(zip(*dn_losses, strict=True)), "dn_"))
        return losses

    def loss_dn(
        self,
        dn_cls_scores: Tensor,
        dn_bbox_preds: Tensor,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        dn_meta: DnMeta,
    ) -> tuple[list[Tensor], ...]:
        """Returns the denoising losses of classes, boxes and overlaps, one per layer."""
        return multi_apply(
            self.loss_dn_single,
            dn_cls_scores,
            dn_bbox_preds,
            gt_bboxes_list=gt_bboxes_list,
            gt_labels_list=gt_labels_list,
            img_metas=img_metas,
            dn_meta=dn_meta,
        )

    def loss_dn_single(
        self,
        dn_cls_scores: Tensor,
        dn_bbox_preds: Tensor,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        dn_meta: DnMeta,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the denoising losses of one layer: scores (B, D, C) and boxes (B, D, 4)."""
        scores, boxes = at_least_fp32(dn_cls_scores), at_least_fp32(dn_bbox_preds)
        if not scores.shape[1]:
            return zero_loss(scores), zero_loss(boxes), zero_loss(boxes)
        targets = self.get_dn_target(
            list(boxes), gt_bboxes_list, gt_labels_list, img_metas, dn_meta
        )
        return self._compare(scores, boxes, targets, img_metas)

    def get_dn_target(
        self,
        dn_bbox_preds_list: Sequence[Tensor],
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        dn_meta: DnMeta,
    ) -> tuple[Any, ...]:
        """Returns the same as :meth:`get_targets`, for denoising queries."""
        *targets, pos_inds, neg_inds = multi_apply(
            self._get_dn_target_single,
            dn_bbox_preds_list,
            gt_bboxes_list,
            gt_labels_list,
            img_metas,
            dn_meta=dn_meta,
        )
        return (
            *targets,
            sum(inds.numel() for inds in pos_inds),
            sum(inds.numel() for inds in neg_inds),
        )

    def _get_dn_target_single(
        self,
        dn_bbox_pred: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor,
        img_meta: Mapping[str, Any],
        dn_meta: DnMeta,
    ) -> tuple[Tensor, ...]:
        """Returns the targets of one image: query i of a group belongs to object i."""
        groups, pad_size = dn_meta["num_dn_group"], dn_meta["pad_size"]
        assert pad_size % groups == 0
        group_size = pad_size // groups
        objects = torch.arange(len(gt_labels), device=dn_bbox_pred.device)
        starts = torch.arange(groups, device=dn_bbox_pred.device)[:, None] * group_size
        pos = (starts + objects).flatten()
        neg = pos + group_size // 2
        labels = gt_labels.new_full((len(dn_bbox_pred),), self.num_classes)
        labels[pos] = gt_labels.repeat(groups)
        bbox_targets, bbox_weights = torch.zeros_like(dn_bbox_pred), torch.zeros_like(dn_bbox_pred)
        bbox_weights[pos] = 1.0
        boxes = at_least_fp32(gt_bboxes) / image_factor(dn_bbox_pred, img_meta)
        bbox_targets[pos] = bbox_xyxy_to_cxcywh(boxes).repeat(groups, 1)
        weights = dn_bbox_pred.new_ones(len(dn_bbox_pred))
        return labels, weights, bbox_targets, bbox_weights, pos, neg

    @staticmethod
    def extract_dn_outputs(
        all_cls_scores: Tensor, all_bbox_preds: Tensor, dn_meta: DnMeta | None
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Splits outputs into those of matching and those of denoising queries."""
        if dn_meta is None:
            return all_cls_scores, all_bbox_preds, None, None
        size = dn_meta["pad_size"]
        return (
            all_cls_scores[:, :, size:],
            all_bbox_preds[:, :, size:],
            all_cls_scores[:, :, :size],
            all_bbox_preds[:, :, :size],
        )
