"""Region proposal network (Ren et al., 2015, arXiv:1506.01497)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmcv.ops import batched_nms
from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.numerics import as_config
from mmdet.registry import MODELS


@MODELS.register_module()
class RPNHead(AnchorHead):
    """Object or not, for every anchor; keys ``rpn_conv``, ``rpn_cls``, ``rpn_reg``.

    Args:
        in_channels: of the maps.
        init_cfg: initialisation.
        num_convs: hidden convolutions.
        **kwargs: further arguments of :class:`AnchorHead`.
    """

    def __init__(
        self,
        in_channels: int,
        init_cfg: Any = dict(type="Normal", layer="Conv2d", std=0.01),  # noqa: B006
        num_convs: int = 1,
        **kwargs: Any,
    ) -> None:
        self.num_convs = num_convs
        super().__init__(1, in_channels, init_cfg=init_cfg, **kwargs)

    def _init_layers(self) -> None:
        self.rpn_conv: nn.Module
        if self.num_convs > 1:
            widths = [self.in_channels] + [self.feat_channels] * self.num_convs
            self.rpn_conv = nn.Sequential(
                *(
                    # Not in place: the next convolution's gradient needs the value before.
                    ConvModule(widths[i], widths[i + 1], 3, padding=1, inplace=False)
                    for i in range(self.num_convs)
                )
            )
        else:
            self.rpn_conv = nn.Conv2d(self.in_channels, self.feat_channels, 3, padding=1)
        num_scores = self.num_base_priors * self.cls_out_channels
        self.rpn_cls = nn.Conv2d(self.feat_channels, num_scores, 1)
        self.rpn_reg = nn.Conv2d(self.feat_channels, self.num_base_priors * 4, 1)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps one level (B, in_channels, H, W) to (B, A·C, H, W) and (B, A·4, H, W)."""
        x = F.relu(self.rpn_conv(x))
        return self.rpn_cls(x), self.rpn_reg(x)

    def loss(  # type: ignore[override]
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        gt_bboxes: list[Tensor],
        img_metas: list[Mapping[str, Any]],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns ``loss_rpn_cls`` and ``loss_rpn_bbox``; arguments as in :class:`AnchorHead`."""
        losses = super().loss(cls_scores, bbox_preds, gt_bboxes, None, img_metas, gt_bboxes_ignore)
        return dict(loss_rpn_cls=losses["loss_cls"], loss_rpn_bbox=losses["loss_bbox"])

    def _get_bboxes_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: Sequence[Tensor | None],
        mlvl_priors: list[Tensor],
        img_meta: Mapping[str, Any],
        cfg: Any,
        rescale: bool = False,
        with_nms: bool = True,
        **kwargs: Any,
    ) -> Tensor:
        """Returns the proposals (n, 5) of one image, in pixels of the input."""
        cfg = as_config(self.test_cfg if cfg is None else cfg)
        nms_pre = cfg.get("nms_pre", -1)
        all_scores, all_deltas, all_anchors, level_ids = [], [], [], []
        levels = zip(cls_score_list, bbox_pred_list, mlvl_priors, strict=True)
        for level, (cls_score, bbox_pred, anchors) in enumerate(levels):
            assert cls_score.shape[-2:] == bbox_pred.shape[-2:]
            scores = self._objectness(cls_score.permute(1, 2, 0))
            deltas = bbox_pred.permute(1, 2, 0).reshape(-1, 4)
            if 0 < nms_pre < len(scores):
                # 1.x sorts here instead of topk, which orders equal scores differently.
                scores, order = scores.sort(descending=True)
                scores, order = scores[:nms_pre], order[:nms_pre]
                deltas, anchors = deltas[order], anchors[order]
            all_scores.append(scores)
            all_deltas.append(deltas)
            all_anchors.append(anchors)
            level_ids.append(scores.new_full((len(scores),), level, dtype=torch.long))
        return self._bbox_post_process(
            all_scores, all_deltas, all_anchors, level_ids, cfg, img_meta["img_shape"]
        )

    def _objectness(self, logits: Tensor) -> Tensor:
        if self.use_sigmoid_cls:
            return logits.reshape(-1).sigmoid()
        return logits.reshape(-1, 2).softmax(dim=1)[:, 0]  # the background comes last

    def _bbox_post_process(  # type: ignore[override]
        self,
        mlvl_scores: list[Tensor],
        mlvl_bboxes: list[Tensor],
        mlvl_valid_anchors: list[Tensor],
        level_ids: list[Tensor],
        cfg: Any,
        img_shape: Any,
        **kwargs: Any,
    ) -> Tensor:
        """Decodes, drops boxes that are too small, and suppresses within each level."""
        scores, ids = torch.cat(mlvl_scores), torch.cat(level_ids)
        proposals = self.bbox_coder.decode(
            torch.cat(mlvl_valid_anchors), torch.cat(mlvl_bboxes), max_shape=img_shape
        )
        if cfg.min_bbox_size >= 0:
            sides = proposals[:, 2:] - proposals[:, :2]
            large = (sides > cfg.min_bbox_size).all(1)
            proposals, scores, ids = proposals[large], scores[large], ids[large]
        if not proposals.numel():
            return proposals.new_zeros(0, 5)
        return batched_nms(proposals, scores, ids, cfg.nms)[0][: cfg.max_per_img]
