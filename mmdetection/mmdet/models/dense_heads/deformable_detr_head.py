"""Deformable DETR's head (Zhu et al., 2020, arXiv:2010.04159)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import bias_init_with_prob, constant_init
from mmdet.models.dense_heads.detr_head import DETRHead, padding_masks
from mmdet.models.dense_heads.set_prediction_head import Metas, name_losses
from mmdet.models.numerics import to_weight_dtype
from mmdet.models.utils.reference_points import refine
from mmdet.registry import MODELS


@MODELS.register_module()
class DeformableDETRHead(DETRHead):
    """Queries that look at a few points of several maps.

    Keys: ``transformer.*``, ``cls_branches.i``, ``reg_branches.i.j``, ``query_embedding``.

    Args:
        args: of :class:`DETRHead`.
        with_box_refine: each layer moves the boxes of the one before.
        as_two_stage: queries are made of the best proposals of the encoder.
        transformer: encoder and decoder.
        use_2fc_cls_branch: classes are predicted by two layers with a norm between.
        kwargs: of :class:`DETRHead`.
    """

    def __init__(
        self,
        *args: Any,
        with_box_refine: bool = False,
        as_two_stage: bool = False,
        transformer: Any = None,
        use_2fc_cls_branch: bool = False,
        **kwargs: Any,
    ) -> None:
        self.with_box_refine = with_box_refine
        self.as_two_stage = as_two_stage
        self.use_2fc_cls_branch = use_2fc_cls_branch
        if as_two_stage:
            transformer = {**transformer, "as_two_stage": True}
        super().__init__(*args, transformer=transformer, **kwargs)

    def _init_layers(self) -> None:
        """Builds one branch per decoder layer, and one for the encoder's proposals."""
        cls_branch = self._cls_branch()
        layers: list[nn.Module] = []
        for _ in range(self.num_reg_fcs):
            layers += [nn.Linear(self.embed_dims, self.embed_dims), nn.ReLU()]
        reg_branch = nn.Sequential(*layers, nn.Linear(self.embed_dims, 4))
        count = self.transformer.decoder.num_layers + self.as_two_stage
        # Without refinement all layers share one branch.
        each = copy.deepcopy if self.with_box_refine else (lambda branch: branch)
        self.cls_branches = nn.ModuleList([each(cls_branch) for _ in range(count)])
        self.reg_branches = nn.ModuleList([each(reg_branch) for _ in range(count)])
        if not self.as_two_stage:
            self.query_embedding = nn.Embedding(self.num_query, self.embed_dims * 2)

    def _cls_branch(self) -> nn.Module:
        if not self.use_2fc_cls_branch:
            return nn.Linear(self.embed_dims, self.cls_out_channels)
        hidden = int(self.embed_dims * 1.5)
        return nn.Sequential(
            nn.Linear(self.embed_dims, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            nn.Linear(hidden, self.cls_out_channels),
        )

    def init_weights(self) -> None:
        """Initialises the transformer; first boxes do not move, first scores are 0.01."""
        self.transformer.init_weights()
        if self.use_sigmoid_cls:
            for branch in self.cls_branches:
                last: Any = branch[-1] if isinstance(branch, nn.Sequential) else branch
                nn.init.constant_(last.bias, bias_init_with_prob(0.01))
        branches: list[Any] = list(self.reg_branches)
        for branch in branches:
            constant_init(branch[-1], 0, bias=0)
        # Boxes around points start small: the sigmoid of -2 is 0.12 of the image.
        nn.init.constant_(branches[0][-1].bias.data[2:], -2.0)
        if self.as_two_stage:
            for branch in branches:
                nn.init.constant_(branch[-1].bias.data[2:], 0.0)

    def forward(  # type: ignore[override]
        self, mlvl_feats: Sequence[Tensor], img_metas: Metas
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Predicts from a pyramid.

        Args:
            mlvl_feats: (B, embed_dims, H, W) each.
            img_metas: one dict per image, with ``batch_input_shape`` and ``img_shape``.

        Returns:
            (L, B, Q, C) logits, (L, B, Q, 4) boxes; for two stages the encoder's logits (B, S, C)
            and boxes (B, S, 4) of every position, else twice None.
        """
        inputs = self._inputs(mlvl_feats, img_metas)
        queries = None if self.as_two_stage else self.query_embedding.weight
        hs, first, references, enc_class, enc_coords = self.transformer(
            *inputs[:2],
            queries,
            inputs[2],
            reg_branches=self.reg_branches if self.with_box_refine else None,
            cls_branches=self.cls_branches if self.as_two_stage else None,
        )
        # In the first layer points may become boxes, so references are a list of both.
        classes, coords = self._predict(hs, [first, *references[:-1]])
        enc_boxes = None if enc_coords is None else enc_coords.sigmoid()
        return classes, coords, enc_class, enc_boxes

    def _inputs(
        self, mlvl_feats: Sequence[Tensor], img_metas: Metas
    ) -> tuple[Sequence[Tensor], list[Tensor], list[Tensor]]:
        """Returns the maps in the weights' dtype, their paddings and position encodings."""
        feats = to_weight_dtype(mlvl_feats, self)
        masks = padding_masks(img_metas, [x.shape[-2:] for x in feats], feats[0].device)
        return feats, masks, [self.positional_encoding(mask) for mask in masks]

    def _predict(
        self, hs: Tensor, references: Sequence[Tensor], eps: float = 1e-5
    ) -> tuple[Tensor, Tensor]:
        """Returns logits (L, B, Q, C) and boxes (L, B, Q, 4) of all layers.

        Args:
            hs: (L, Q, B, C).
            references: per layer the points or boxes (B, Q, 2 or 4) before it.
            eps: how far from 0 and 1 these are kept.
        """
        layers = list(zip(hs.transpose(1, 2), references, strict=True))
        classes = [branch(x) for branch, (x, _) in zip(self.cls_branches, layers, strict=False)]
        boxes = [
            refine(branch(x), reference, eps)
            for branch, (x, reference) in zip(self.reg_branches, layers, strict=False)
        ]
        return torch.stack(classes), torch.stack(boxes)

    def loss(  # type: ignore[override]
        self,
        all_cls_scores: Tensor,
        all_bbox_preds: Tensor,
        enc_cls_scores: Tensor | None,
        enc_bbox_preds: Tensor | None,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes_ignore: Any = None,
    ) -> dict[str, Tensor]:
        """Returns the losses of all layers, and ``enc_loss_{cls,bbox,iou}`` for two stages.

        Args:
            all_cls_scores: (L, B, Q, C).
            all_bbox_preds: (L, B, Q, 4).
            enc_cls_scores: (B, S, C) of the encoder.
            enc_bbox_preds: (B, S, 4) of the encoder.
            gt_bboxes_list: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels_list: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: must be None.
        """
        losses: dict[str, Tensor] = {}
        if enc_cls_scores is not None and enc_bbox_preds is not None:
            # The encoder only says whether there is an object: class 0.
            binary = [torch.zeros_like(labels) for labels in gt_labels_list]
            enc_losses = self.loss_single(
                enc_cls_scores, enc_bbox_preds, gt_bboxes_list, binary, img_metas, None
            )
            losses.update(name_losses([enc_losses], "enc_"))
        losses.update(
            self._layer_losses(
                all_cls_scores,
                all_bbox_preds,
                gt_bboxes_list,
                gt_labels_list,
                img_metas,
                gt_bboxes_ignore,
            )
        )
        return losses

    def get_bboxes(  # type: ignore[override]
        self,
        all_cls_scores: Tensor,
        all_bbox_preds: Tensor,
        enc_cls_scores: Any,
        enc_bbox_preds: Any,
        img_metas: Metas,
        rescale: bool = False,
    ) -> list[tuple[Tensor, Tensor]]:
        """Returns per image boxes (n, 5) with scores and labels (n,), of the last layer."""
        return self._detections(all_cls_scores[-1], all_bbox_preds[-1], img_metas, rescale)
