"""What dense heads share: from maps of scores and box deltas to detections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.cnn import constant_init
from mmcv.model import BaseModule
from mmcv.ops import batched_nms
from mmdet.boxes import filter_scores_and_topk, select_single_mlvl
from mmdet.models.dense_heads.dense_test_mixins import BBoxTestMixin
from mmdet.models.numerics import as_config, at_least_fp32

Meta = Mapping[str, Any]


class BaseDenseHead(BaseModule, BBoxTestMixin):
    """Base of heads that predict at every position of a pyramid.

    Legend: B images, A priors per position, C classes, N positions and priors of a level, flattened
    in the order (H, W, A).

    Subclasses set ``prior_generator``, ``bbox_coder``, ``cls_out_channels``,
    ``use_sigmoid_cls`` and ``test_cfg``.
    """

    prior_generator: Any
    bbox_coder: Any
    test_cfg: Any
    cls_out_channels: int
    use_sigmoid_cls: bool

    def init_weights(self) -> None:
        """Initialises as ``init_cfg`` says; offsets of deformable convolutions start at 0."""
        super().init_weights()
        for module in self.modules():
            offset = getattr(module, "conv_offset", None)
            if isinstance(offset, torch.nn.Module):
                constant_init(offset, 0)

    @abstractmethod
    def loss(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Returns the losses by name."""

    def get_bboxes(
        self,
        cls_scores: Sequence[Tensor],
        bbox_preds: Sequence[Tensor],
        score_factors: Sequence[Tensor] | None = None,
        img_metas: Sequence[Meta] | None = None,
        cfg: Any = None,
        rescale: bool = False,
        with_nms: bool = True,
        **kwargs: Any,
    ) -> list[Any]:
        """Turns the maps of a batch into detections.

        Args:
            cls_scores: per level (B, A·C, H, W) logits.
            bbox_preds: per level (B, A·4, H, W).
            score_factors: per level (B, A, H, W) logits of what scores are multiplied by, such as
                centerness.
            img_metas: one dict per image.
            cfg: replaces ``test_cfg``.
            rescale: return boxes in pixels of the original image.
            with_nms: suppress overlapping boxes.
            **kwargs: further options of ``_get_bboxes_single``.

        Returns:
            Per image the boxes (n, 5) x1 y1 x2 y2 score and labels (n,); without suppression
            boxes (n, 4), scores (n,) and labels (n,).
        """
        assert len(cls_scores) == len(bbox_preds)
        assert img_metas is not None
        cls_scores, bbox_preds = at_least_fp32(cls_scores), at_least_fp32(bbox_preds)
        score_factors = at_least_fp32(score_factors)
        first = cls_scores[0]
        sizes = [score.shape[-2:] for score in cls_scores]
        priors = self.prior_generator.grid_priors(sizes, dtype=first.dtype, device=first.device)
        results = []
        for i, meta in enumerate(img_metas):
            factors: Sequence[Tensor | None] = [None] * len(cls_scores)
            if score_factors is not None:
                factors = select_single_mlvl(score_factors, i)
            results.append(
                self._get_bboxes_single(
                    select_single_mlvl(cls_scores, i),
                    select_single_mlvl(bbox_preds, i),
                    factors,
                    priors,
                    meta,
                    cfg,
                    rescale,
                    with_nms,
                    **kwargs,
                )
            )
        return results

    def _get_bboxes_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: Sequence[Tensor | None],
        mlvl_priors: list[Tensor],
        img_meta: Meta,
        cfg: Any,
        rescale: bool = False,
        with_nms: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Does :meth:`get_bboxes` for one image, whose maps lack the dimension of the batch."""
        cfg = as_config(self.test_cfg if cfg is None else cfg)
        nms_pre = cfg.get("nms_pre", -1)
        boxes, all_scores, all_labels, all_factors = [], [], [], []
        levels = zip(cls_score_list, bbox_pred_list, score_factor_list, mlvl_priors, strict=True)
        for cls_score, bbox_pred, factor, priors in levels:
            assert cls_score.shape[-2:] == bbox_pred.shape[-2:]
            deltas = bbox_pred.permute(1, 2, 0).reshape(-1, 4)
            scores = self._activate(cls_score.permute(1, 2, 0).reshape(-1, self.cls_out_channels))
            found = dict(bbox_pred=deltas, priors=priors)
            scores, labels, keep, found = filter_scores_and_topk(
                scores, cfg.score_thr, nms_pre, found
            )
            if factor is not None:
                all_factors.append(factor.permute(1, 2, 0).reshape(-1).sigmoid()[keep])
            decoded = self.bbox_coder.decode(
                found["priors"], found["bbox_pred"], max_shape=img_meta["img_shape"]
            )
            boxes.append(decoded)
            all_scores.append(scores)
            all_labels.append(labels)
        return self._bbox_post_process(
            all_scores,
            all_labels,
            boxes,
            img_meta.get("scale_factor"),
            cfg,
            rescale,
            with_nms,
            all_factors or None,
            **kwargs,
        )

    def _activate(self, logits: Tensor) -> Tensor:
        """Returns the scores (N, C) of logits (N, cls_out_channels)."""
        return logits.sigmoid() if self.use_sigmoid_cls else logits.softmax(-1)[:, :-1]

    def _bbox_post_process(
        self,
        mlvl_scores: list[Tensor],
        mlvl_labels: list[Tensor],
        mlvl_bboxes: list[Tensor],
        scale_factor: Any,
        cfg: Any,
        rescale: bool = False,
        with_nms: bool = True,
        mlvl_score_factors: list[Tensor] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Joins the levels of one image, rescales and suppresses."""
        assert len(mlvl_scores) == len(mlvl_bboxes) == len(mlvl_labels)
        boxes, scores, labels = map(torch.cat, (mlvl_bboxes, mlvl_scores, mlvl_labels))
        if rescale:
            boxes = boxes / boxes.new_tensor(scale_factor)
        if mlvl_score_factors is not None:
            scores = scores * torch.cat(mlvl_score_factors)
        if not with_nms:
            return boxes, scores, labels
        if not boxes.numel():
            return torch.cat([boxes, scores[:, None]], -1), labels
        dets, keep = batched_nms(boxes, scores, labels, cfg.nms)
        return dets[: cfg.max_per_img], labels[keep][: cfg.max_per_img]

    def forward_train(
        self,
        x: Sequence[Tensor],
        img_metas: list[Meta],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor] | None = None,
        gt_bboxes_ignore: list[Tensor] | None = None,
        proposal_cfg: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Returns the losses of a batch; with ``proposal_cfg`` also its proposals.

        Args:
            x: maps of the pyramid.
            img_metas: one dict per image.
            gt_bboxes: per image (n, 4).
            gt_labels: per image (n,); None for heads without classes.
            gt_bboxes_ignore: per image boxes that are neither object nor background.
            proposal_cfg: how proposals are chosen.
            **kwargs: further targets in the batch, without effect here.
        """
        outs = self(x)
        labels = () if gt_labels is None else (gt_labels,)
        losses = self.loss(*outs, gt_bboxes, *labels, img_metas, gt_bboxes_ignore=gt_bboxes_ignore)
        if proposal_cfg is None:
            return losses
        return losses, self.get_bboxes(*outs, img_metas=img_metas, cfg=proposal_cfg)

    def simple_test(self, feats: Any, img_metas: list[Meta], rescale: bool = False) -> list[Any]:
        """Returns per image boxes (n, 5) and labels (n,)."""
        return self.simple_test_bboxes(feats, img_metas, rescale=rescale)
