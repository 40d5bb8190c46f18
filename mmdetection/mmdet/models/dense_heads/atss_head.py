"""ATSS (Zhang et al., 2019, arXiv:1912.02424)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import Scale
from mmdet.boxes import multi_apply, reduce_mean
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.atss_targets import ATSSTargetHead
from mmdet.models.dense_heads.towers import conv_tower, run_tower, small_normal
from mmdet.models.numerics import at_least_fp32, to_weight_dtype, zero_loss
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class ATSSHead(ATSSTargetHead):
    """One anchor per position, positives chosen by the statistics of their overlaps.

    Keys: ``cls_convs.i.*``, ``reg_convs.i.*``, ``atss_cls``, ``atss_reg``, ``atss_centerness``,
    ``scales.i.scale``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        pred_kernel_size: kernel of the predicting convolutions.
        stacked_convs: convolutions of each tower.
        conv_cfg: convolutions.
        norm_cfg: norms.
        reg_decoded_bbox: the loss compares boxes.
        loss_centerness: loss of the centerness.
        init_cfg: initialisation.
        kwargs: of :class:`AnchorHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        pred_kernel_size: int = 3,
        stacked_convs: int = 4,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = dict(  # noqa: B006  # read only
            type="GN", num_groups=32, requires_grad=True
        ),
        reg_decoded_bbox: bool = True,
        loss_centerness: Cfg = dict(  # noqa: B006  # read only
            type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0
        ),
        init_cfg: Any = small_normal("atss_cls"),  # noqa: B008  # read only
        **kwargs: Any,
    ) -> None:
        self.pred_kernel_size = pred_kernel_size
        self.stacked_convs = stacked_convs
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        super().__init__(
            num_classes,
            in_channels,
            reg_decoded_bbox=reg_decoded_bbox,
            init_cfg=init_cfg,
            **kwargs,
        )
        self.sampling = False
        self.loss_centerness = build_loss(loss_centerness)

    def _init_layers(self) -> None:
        """Builds the layers."""
        options: dict[str, Any] = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg)
        shape = (self.in_channels, self.feat_channels, self.stacked_convs)
        self.relu = nn.ReLU(inplace=True)
        self.cls_convs = conv_tower(*shape, **options)
        self.reg_convs = conv_tower(*shape, **options)
        self.atss_cls = self._predictor(self.cls_out_channels)
        self.atss_reg = self._predictor(4)
        self.atss_centerness = self._predictor(1)
        self.scales = nn.ModuleList([Scale(1.0) for _ in self.prior_generator.strides])

    def _predictor(self, channels: int) -> nn.Conv2d:
        size = self.pred_kernel_size
        out_channels = self.num_base_priors * channels
        return nn.Conv2d(self.feat_channels, out_channels, size, padding=size // 2)

    def forward(self, feats: Sequence[Tensor]) -> Any:
        """Returns logits, box deltas and centerness of all levels."""
        return multi_apply(self.forward_single, to_weight_dtype(feats, self), self.scales)

    def forward_single(  # type: ignore[override]
        self, x: Tensor, scale: nn.Module
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Maps one level (B, in_channels, H, W) to (B, A·C, H, W), (B, A·4, H, W), (B, A, H, W).

        Args:
            x: the map.
            scale: learned factor of the deltas of this level.
        """
        reg_feat = run_tower(self.reg_convs, x)
        return (
            self.atss_cls(run_tower(self.cls_convs, x)),
            scale(self.atss_reg(reg_feat)).float(),
            self.atss_centerness(reg_feat),
        )

    def loss(  # type: ignore[override]
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        centernesses: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns ``loss_cls``, ``loss_bbox`` and ``loss_centerness``, one value per level.

        Args:
            cls_scores: per level (B, A·C, H, W).
            bbox_preds: per level (B, A·4, H, W).
            centernesses: per level (B, A, H, W).
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: per image boxes to ignore.
        """
        cls_scores, bbox_preds, centernesses = at_least_fp32(
            [list(cls_scores), list(bbox_preds), list(centernesses)]
        )
        found = self._matched(cls_scores, gt_bboxes, gt_labels, img_metas, gt_bboxes_ignore)
        if found is None:
            return self._nothing(
                loss_cls=cls_scores, loss_bbox=bbox_preds, loss_centerness=centernesses
            )
        (anchors, labels, label_weights, bbox_targets), num_total_samples = found
        losses_cls, losses_bbox, losses_centerness, factors = multi_apply(
            self.loss_single,
            anchors,
            cls_scores,
            bbox_preds,
            centernesses,
            labels,
            label_weights,
            bbox_targets,
            num_total_samples=num_total_samples,
        )
        factor = reduce_mean(torch.stack(factors).sum()).clamp(min=1).item()
        return dict(
            loss_cls=losses_cls,
            loss_bbox=[loss / factor for loss in losses_bbox],
            loss_centerness=losses_centerness,
        )

    def loss_single(  # type: ignore[override]
        self,
        anchors: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        centerness: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        bbox_targets: Tensor,
        num_total_samples: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns the losses of one level and the sum of its centerness targets.

        Args:
            anchors: (B, n, 4).
            cls_score: (B, A·C, H, W).
            bbox_pred: (B, A·4, H, W).
            centerness: (B, A, H, W).
            labels: (B, n).
            label_weights: (B, n).
            bbox_targets: (B, n, 4).
            num_total_samples: what the losses are divided by.
        """
        anchors, bbox_targets = anchors.reshape(-1, 4), bbox_targets.reshape(-1, 4)
        labels = labels.reshape(-1)
        logits = cls_score.permute(0, 2, 3, 1).reshape(-1, self.cls_out_channels)
        loss_cls = self.loss_cls(
            logits, labels, label_weights.reshape(-1), avg_factor=num_total_samples
        )
        pos = ((labels >= 0) & (labels < self.num_classes)).nonzero().squeeze(1)
        if not len(pos):
            zeros = zero_loss(bbox_pred), zero_loss(centerness)
            return loss_cls, *zeros, bbox_targets.new_tensor(0.0)
        deltas = bbox_pred.permute(0, 2, 3, 1).reshape(-1, 4)[pos]
        nearness = centerness.permute(0, 2, 3, 1).reshape(-1)[pos]
        goals = self.centerness_target(anchors[pos], bbox_targets[pos])
        loss_bbox = self.loss_bbox(
            self.bbox_coder.decode(anchors[pos], deltas),
            bbox_targets[pos],
            weight=goals,
            avg_factor=1.0,
        )
        loss_centerness = self.loss_centerness(nearness, goals, avg_factor=num_total_samples)
        return loss_cls, loss_bbox, loss_centerness, goals.sum()

    @staticmethod
    def centerness_target(anchors: Tensor, gts: Tensor) -> Tensor:
        """Returns (P,) how near the centres of anchors (P, 4) are to those of their objects."""
        centers = (anchors[:, :2] + anchors[:, 2:]) / 2
        before, behind = centers - gts[:, :2], gts[:, 2:] - centers
        ratios = torch.minimum(before, behind) / torch.maximum(before, behind)
        centerness = ratios.prod(-1).sqrt()
        assert not torch.isnan(centerness).any(), "the centre of a positive anchor is outside"
        return centerness
