"""Generalized focal loss (Li et al., 2020, arXiv:2006.04388)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmcv.cnn import Scale
from mmdet.boxes import bbox_overlaps, multi_apply, reduce_mean
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.atss_targets import ATSSTargetHead
from mmdet.models.dense_heads.towers import conv_tower, run_tower, small_normal
from mmdet.models.numerics import at_least_fp32, to_weight_dtype, zero_loss
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]


class Integral(nn.Module):
    """The mean of a distribution over the distances 0, 1, ..., ``reg_max``.

    Args:
        reg_max: greatest distance.
    """

    project: Tensor

    def __init__(self, reg_max: int = 16) -> None:
        super().__init__()
        self.reg_max = reg_max
        self.register_buffer("project", torch.linspace(0, reg_max, reg_max + 1))

    def forward(self, x: Tensor) -> Tensor:
        """Maps logits (N, 4 * (reg_max + 1)) to distances (N, 4)."""
        probabilities = x.reshape(-1, self.reg_max + 1).softmax(1)
        return F.linear(probabilities, self.project.type_as(x)[None]).reshape(-1, 4)


@MODELS.register_module()
class GFLHead(ATSSTargetHead):
    """Scores that say how good the box is, and distances as distributions.

    Keys: ``cls_convs.i.*``, ``reg_convs.i.*``, ``gfl_cls``, ``gfl_reg``, ``scales.i.scale``,
    ``integral.project``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        stacked_convs: convolutions of each tower.
        conv_cfg: convolutions.
        norm_cfg: norms.
        loss_dfl: loss of the distributions.
        bbox_coder: turns distances into boxes.
        reg_max: greatest distance, in strides.
        init_cfg: initialisation.
        kwargs: of :class:`AnchorHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        stacked_convs: int = 4,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = dict(  # noqa: B006  # read only
            type="GN", num_groups=32, requires_grad=True
        ),
        loss_dfl: Cfg = dict(type="DistributionFocalLoss", loss_weight=0.25),  # noqa: B006
        bbox_coder: Cfg = dict(type="DistancePointBBoxCoder"),  # noqa: B006  # read only
        reg_max: int = 16,
        init_cfg: Any = small_normal("gfl_cls"),  # noqa: B008  # read only
        **kwargs: Any,
    ) -> None:
        self.stacked_convs = stacked_convs
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.reg_max = reg_max
        options: dict[str, Any] = dict(
            bbox_coder=bbox_coder, reg_decoded_bbox=True, init_cfg=init_cfg
        )
        super().__init__(num_classes, in_channels, **{**options, **kwargs})
        self.sampling = False
        self.integral = Integral(reg_max)
        self.loss_dfl = build_loss(loss_dfl)

    def _init_layers(self) -> None:
        """Builds the layers."""
        if self.num_base_priors != 1:
            raise ModelConfigError(
                f"anchor_generator: GFLHead needs one anchor per position, but got"
                f" {self.num_base_priors}"
            )
        options: dict[str, Any] = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg)
        shape = (self.in_channels, self.feat_channels, self.stacked_convs)
        self.relu = nn.ReLU(inplace=True)
        self.cls_convs = conv_tower(*shape, **options)
        self.reg_convs = conv_tower(*shape, **options)
        self.gfl_cls = nn.Conv2d(self.feat_channels, self.cls_out_channels, 3, padding=1)
        self.gfl_reg = nn.Conv2d(self.feat_channels, 4 * (self.reg_max + 1), 3, padding=1)
        self.scales = nn.ModuleList([Scale(1.0) for _ in self.prior_generator.strides])

    def forward(self, feats: Sequence[Tensor]) -> Any:
        """Returns logits of classes and of distances of all levels."""
        return multi_apply(self.forward_single, to_weight_dtype(feats, self), self.scales)

    def forward_single(  # type: ignore[override]
        self, x: Tensor, scale: nn.Module
    ) -> tuple[Tensor, Tensor]:
        """Maps one level (B, in_channels, H, W) to (B, C, H, W) and (B, 4·(reg_max+1), H, W)."""
        distances = scale(self.gfl_reg(run_tower(self.reg_convs, x))).float()
        return self.gfl_cls(run_tower(self.cls_convs, x)), distances

    @staticmethod
    def anchor_center(anchors: Tensor) -> Tensor:
        """Returns the centres (..., 2) of anchors (..., 4)."""
        return (anchors[..., :2] + anchors[..., 2:]) / 2

    def loss(  # type: ignore[override]
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns ``loss_cls``, ``loss_bbox`` and ``loss_dfl``, one value per level.

        Args:
            cls_scores: per level (B, C, H, W).
            bbox_preds: per level (B, 4·(reg_max+1), H, W).
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: per image boxes to ignore.
        """
        cls_scores, bbox_preds = at_least_fp32([list(cls_scores), list(bbox_preds)])
        found = self._matched(cls_scores, gt_bboxes, gt_labels, img_metas, gt_bboxes_ignore)
        if found is None:
            return self._nothing(loss_cls=cls_scores, loss_bbox=bbox_preds, loss_dfl=bbox_preds)
        (anchors, labels, label_weights, bbox_targets), num_total_samples = found
        losses_cls, losses_bbox, losses_dfl, factors = multi_apply(
            self.loss_single,
            anchors,
            cls_scores,
            bbox_preds,
            labels,
            label_weights,
            bbox_targets,
            self.prior_generator.strides,
            num_total_samples=num_total_samples,
        )
        factor = reduce_mean(torch.stack(factors).sum()).clamp(min=1).item()
        return dict(
            loss_cls=losses_cls,
            loss_bbox=[loss / factor for loss in losses_bbox],
            loss_dfl=[loss / factor for loss in losses_dfl],
        )

    def loss_single(  # type: ignore[override]
        self,
        anchors: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        bbox_targets: Tensor,
        stride: Sequence[int],
        num_total_samples: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns the losses of one level and the sum of the weights of its boxes.

        Args:
            anchors: (B, n, 4).
            cls_score: (B, C, H, W).
            bbox_pred: (B, 4·(reg_max+1), H, W).
            labels: (B, n).
            label_weights: (B, n).
            bbox_targets: (B, n, 4).
            stride: of this level, x and y, which must be equal.
            num_total_samples: what the loss of the classes is divided by.
        """
        assert stride[0] == stride[1], "h stride is not equal to w stride!"
        labels = labels.reshape(-1)
        logits = cls_score.permute(0, 2, 3, 1).reshape(-1, self.cls_out_channels)
        quality = logits.new_zeros(len(labels))
        pos = ((labels >= 0) & (labels < self.num_classes)).nonzero().squeeze(1)
        loss_bbox, loss_dfl = zero_loss(bbox_pred), zero_loss(bbox_pred)
        weights = logits.detach().sigmoid().max(1)[0][pos]
        if len(pos):
            distributions = bbox_pred.permute(0, 2, 3, 1).reshape(-1, 4 * (self.reg_max + 1))[pos]
            # In strides, because distances are.
            at = self.anchor_center(anchors.reshape(-1, 4)[pos]) / stride[0]
            goals = bbox_targets.reshape(-1, 4)[pos] / stride[0]
            boxes = self.bbox_coder.decode(at, self.integral(distributions))
            quality[pos] = bbox_overlaps(boxes.detach(), goals, is_aligned=True)
            loss_bbox = self.loss_bbox(boxes, goals, weight=weights, avg_factor=1.0)
            loss_dfl = self.loss_dfl(
                distributions.reshape(-1, self.reg_max + 1),
                self.bbox_coder.encode(at, goals, self.reg_max).reshape(-1),
                weight=weights[:, None].expand(-1, 4).reshape(-1),
                avg_factor=4.0,
            )
        loss_cls = self.loss_cls(
            logits,
            (labels, quality),
            weight=label_weights.reshape(-1),
            avg_factor=num_total_samples,
        )
        return loss_cls, loss_bbox, loss_dfl, weights.sum()

    def _get_bboxes_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: Sequence[Tensor | None],
        mlvl_priors: list[Tensor],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Turns distributions (4·(reg_max+1), H, W) into distances; the base class decodes them."""
        distances = []
        levels = zip(bbox_pred_list, self.prior_generator.strides, strict=True)
        for bbox_pred, stride in levels:
            assert stride[0] == stride[1]
            size = bbox_pred.shape[-2:]
            mean = self.integral(bbox_pred.permute(1, 2, 0)) * stride[0]
            distances.append(mean.view(*size, 4).permute(2, 0, 1))
        centers = [self.anchor_center(priors) for priors in mlvl_priors]
        return super()._get_bboxes_single(
            cls_score_list, distances, score_factor_list, centers, *args, **kwargs
        )
