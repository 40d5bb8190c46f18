"""What heads that predict a set share: losses of matched queries, and detections from queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes import (
    bbox_cxcywh_to_xyxy,
    bbox_xyxy_to_cxcywh,
    multi_apply,
    reduce_mean,
)
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.anchor_free_head import AnchorFreeHead
from mmdet.models.numerics import at_least_fp32
from mmdet.models.utils.query_denoising import image_factor
from mmdet.registry import ModelConfigError

Cfg = Mapping[str, Any]
Metas = Sequence[Mapping[str, Any]]


class SetPredictionHead(AnchorFreeHead):
    """Base of heads with queries, each of which finds one object or none.

    Legend: B images, Q queries, C = ``cls_out_channels``. Boxes are cx cy w h as shares of the
    image. Subclasses build ``assigner``, ``sampler`` and the layers.
    """

    assigner: Any
    sampler: Any
    num_query: int
    sync_cls_avg_factor: bool

    def _init_losses(self, loss_cls: Cfg, loss_bbox: Cfg, loss_iou: Cfg) -> None:
        """Builds the losses; "no object" is the last class of a softmax."""
        options = dict(loss_cls)
        class_weight = options.get("class_weight")
        background = options.pop("bg_cls_weight", class_weight)
        self.bg_cls_weight: float = 0
        if class_weight is not None and not options.get("use_sigmoid", False):
            if isinstance(background, (list, tuple)):
                background = 1.0
            if isinstance(class_weight, (int, float)):
                class_weight = [float(class_weight)] * self.num_classes
            if len(class_weight) != self.num_classes:
                raise ModelConfigError(
                    f"loss_cls.class_weight has {len(class_weight)} weights for"
                    f" {self.num_classes} classes"
                )
            options["class_weight"] = [*class_weight, background]
            self.bg_cls_weight = background
        self.loss_cls = build_loss(options)
        self.loss_bbox = build_loss(loss_bbox)
        self.loss_iou = build_loss(loss_iou)
        self.use_sigmoid_cls = bool(getattr(self.loss_cls, "use_sigmoid", False))
        self.cls_out_channels = self.num_classes + (not self.use_sigmoid_cls)

    def _layer_losses(
        self,
        all_cls_scores: Tensor,
        all_bbox_preds: Tensor,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes_ignore: Any = None,
    ) -> dict[str, Tensor]:
        assert gt_bboxes_ignore is None, (
            f"{type(self).__name__} only supports gt_bboxes_ignore set to None: leave"
            " gt_bboxes_ignore out of the keys that the pipeline collects"
        )
        losses = [
            self.loss_single(scores, boxes, gt_bboxes_list, gt_labels_list, img_metas, None)
            for scores, boxes in zip(all_cls_scores, all_bbox_preds, strict=True)
        ]
        return name_losses(losses)

    def loss_single(
        self,
        cls_scores: Tensor,
        bbox_preds: Tensor,
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes_ignore_list: Any = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the losses of classes, boxes and overlaps of one layer.

        Args:
            cls_scores: (B, Q, C).
            bbox_preds: (B, Q, 4).
            gt_bboxes_list: per image (k, 4).
            gt_labels_list: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore_list: must be None.
        """
        cls_scores, bbox_preds = at_least_fp32(cls_scores), at_least_fp32(bbox_preds)
        targets = self.get_targets(
            list(cls_scores),
            list(bbox_preds),
            gt_bboxes_list,
            gt_labels_list,
            img_metas,
            gt_bboxes_ignore_list,
        )
        return self._compare(cls_scores, bbox_preds, targets, img_metas)

    def _compare(
        self, cls_scores: Tensor, bbox_preds: Tensor, targets: tuple[Any, ...], img_metas: Metas
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the losses of classes, boxes and overlaps against the targets of all images."""
        *lists, num_pos, num_neg = targets
        labels, label_weights, bbox_targets, bbox_weights = (torch.cat(each) for each in lists)
        logits = cls_scores.reshape(-1, self.cls_out_channels)
        cls_avg_factor = num_pos * 1.0 + num_neg * self.bg_cls_weight
        if self.sync_cls_avg_factor:
            cls_avg_factor = float(reduce_mean(logits.new_tensor([cls_avg_factor])))
        loss_cls = self.loss_cls(logits, labels, label_weights, avg_factor=max(cls_avg_factor, 1))
        # The number of objects per process, so that all processes divide by the same.
        num_boxes = reduce_mean(loss_cls.new_tensor([float(num_pos)])).clamp(min=1).item()
        factors = [
            image_factor(boxes, meta).expand(len(boxes), 4)
            for meta, boxes in zip(img_metas, bbox_preds, strict=True)
        ]
        scale = torch.cat(factors)
        boxes = bbox_preds.reshape(-1, 4)
        loss_iou = self.loss_iou(
            bbox_cxcywh_to_xyxy(boxes) * scale,
            bbox_cxcywh_to_xyxy(bbox_targets) * scale,
            bbox_weights,
            avg_factor=num_boxes,
        )
        loss_bbox = self.loss_bbox(boxes, bbox_targets, bbox_weights, avg_factor=num_boxes)
        return loss_cls, loss_bbox, loss_iou

    def get_targets(  # type: ignore[override]
        self,
        cls_scores_list: Sequence[Tensor],
        bbox_preds_list: Sequence[Tensor],
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes_ignore_list: Any = None,
    ) -> tuple[Any, ...]:
        """Matches queries with objects.

        Args:
            cls_scores_list: per image (Q, C).
            bbox_preds_list: per image (Q, 4).
            gt_bboxes_list: per image (k, 4).
            gt_labels_list: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore_list: must be None.

        Returns:
            Per image labels (Q,), their weights (Q,), boxes (Q, 4), their weights (Q, 4); and the
            number of queries with and without an object.
        """
        assert gt_bboxes_ignore_list is None, "gt_bboxes_ignore must be None"
        *targets, pos_inds, neg_inds = multi_apply(
            self._get_target_single,
            cls_scores_list,
            bbox_preds_list,
            gt_bboxes_list,
            gt_labels_list,
            img_metas,
            [None] * len(cls_scores_list),
        )
        return (
            *targets,
            sum(inds.numel() for inds in pos_inds),
            sum(inds.numel() for inds in neg_inds),
        )

    def _get_target_single(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        gt_bboxes: Tensor,
        gt_labels: Tensor,
        img_meta: Mapping[str, Any],
        gt_bboxes_ignore: Any = None,
    ) -> tuple[Tensor, ...]:
        """Returns the targets of one image, and which queries have an object."""
        gt_bboxes = at_least_fp32(gt_bboxes)
        assigned = self.assigner.assign(
            bbox_pred, cls_score, gt_bboxes, gt_labels, img_meta, gt_bboxes_ignore
        )
        sampled = self.sampler.sample(assigned, bbox_pred, gt_bboxes)
        pos = sampled.pos_inds
        labels = gt_bboxes.new_full((len(bbox_pred),), self.num_classes, dtype=torch.long)
        labels[pos] = gt_labels[sampled.pos_assigned_gt_inds]
        bbox_targets, bbox_weights = torch.zeros_like(bbox_pred), torch.zeros_like(bbox_pred)
        bbox_weights[pos] = 1.0
        relative = sampled.pos_gt_bboxes / image_factor(bbox_pred, img_meta)
        bbox_targets[pos] = bbox_xyxy_to_cxcywh(relative)
        weights = gt_bboxes.new_ones(len(bbox_pred))
        return labels, weights, bbox_targets, bbox_weights, pos, sampled.neg_inds

    def _detections(
        self, cls_scores: Tensor, bbox_preds: Tensor, img_metas: Metas, rescale: bool
    ) -> list[tuple[Tensor, Tensor]]:
        results = []
        for scores, boxes, meta in zip(cls_scores, bbox_preds, img_metas, strict=True):
            shape, factor = meta["img_shape"], meta.get("scale_factor")
            results.append(self._get_bboxes_single(scores, boxes, shape, factor, rescale))
        return results

    def _get_bboxes_single(  # type: ignore[override]
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        img_shape: Sequence[int],
        scale_factor: Any,
        rescale: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Returns the best boxes (n, 5) of one image, and their labels (n,).

        Args:
            cls_score: (Q, C).
            bbox_pred: (Q, 4).
            img_shape: height and width of the input, without padding.
            scale_factor: of the input.
            rescale: return boxes in pixels of the original image.
        """
        assert len(cls_score) == len(bbox_pred)
        cls_score, bbox_pred = at_least_fp32(cls_score), at_least_fp32(bbox_pred)
        limit = self.test_cfg.get("max_per_img", self.num_query)
        if self.use_sigmoid_cls:  # a query may give several classes
            flat = cls_score.sigmoid().view(-1)
            scores, indexes = flat.topk(min(limit, len(flat)))
            labels = indexes % self.num_classes
            queries = indexes // self.num_classes
        else:
            best, classes = cls_score.softmax(-1)[..., :-1].max(-1)
            scores, queries = best.topk(min(limit, len(best)))
            labels = classes[queries]
        height, width = img_shape[:2]
        boxes = bbox_cxcywh_to_xyxy(bbox_pred[queries])
        boxes = boxes * boxes.new_tensor([width, height, width, height])
        boxes = torch.stack(
            [
                side.clamp(min=0, max=limit)
                for side, limit in zip(boxes.unbind(-1), [width, height] * 2, strict=True)
            ],
            -1,
        )
        if rescale:
            boxes = boxes / boxes.new_tensor(scale_factor)
        return torch.cat([boxes, scores[:, None]], -1), labels


def name_losses(losses: Sequence[tuple[Tensor, ...]], prefix: str = "") -> dict[str, Tensor]:
    """Names the losses (classes, boxes, overlaps) of all layers.

    Args:
        losses: per layer.
        prefix: of the names, such as ``dn_``.

    Returns:
        ``loss_cls``, ``loss_bbox`` and ``loss_iou`` of the last layer, ``d{i}.loss_…`` of others.
    """
    kinds = [f"{prefix}loss_{kind}" for kind in ("cls", "bbox", "iou")]
    named = dict(zip(kinds, losses[-1], strict=True))
    for index, layer in enumerate(losses[:-1]):
        named.update(zip([f"d{index}.{kind}" for kind in kinds], layer, strict=True))
    return named
