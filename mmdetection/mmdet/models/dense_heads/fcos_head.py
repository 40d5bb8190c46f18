"""FCOS (Tian et al., 2019, arXiv:1904.01355)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import Scale
from mmdet.boxes import multi_apply, reduce_mean
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.anchor_free_head import FOCAL, AnchorFreeHead
from mmdet.models.dense_heads.towers import small_normal
from mmdet.models.numerics import at_least_fp32, to_weight_dtype
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]

INF = 1e8


@MODELS.register_module()
class FCOSHead(AnchorFreeHead):
    """Every point inside an object predicts its box and how near it is to the centre.

    Keys beside those of the base class: ``conv_centerness``, ``scales.i.scale``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        regress_ranges: per level, the distances in pixels to the farthest side that it predicts.
        center_sampling: only points near the centre are positive.
        center_sample_radius: how near, in strides.
        norm_on_bbox: predict distances in strides instead of the logarithms of pixels.
        centerness_on_reg: the centerness comes from the tower of boxes.
        loss_cls: loss of the classes.
        loss_bbox: loss of the boxes.
        loss_centerness: loss of the centerness.
        norm_cfg: norms.
        init_cfg: initialisation.
        kwargs: of :class:`AnchorFreeHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        regress_ranges: Sequence[tuple[float, float]] = (
            (-1, 64),
            (64, 128),
            (128, 256),
            (256, 512),
            (512, INF),
        ),
        center_sampling: bool = False,
        center_sample_radius: float = 1.5,
        norm_on_bbox: bool = False,
        centerness_on_reg: bool = False,
        loss_cls: Cfg = FOCAL,
        loss_bbox: Cfg = dict(type="IoULoss", loss_weight=1.0),  # noqa: B006  # read only
        loss_centerness: Cfg = dict(  # noqa: B006  # read only
            type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0
        ),
        norm_cfg: Cfg | None = dict(  # noqa: B006  # read only
            type="GN", num_groups=32, requires_grad=True
        ),
        init_cfg: Any = small_normal("conv_cls"),  # noqa: B008  # read only
        **kwargs: Any,
    ) -> None:
        self.regress_ranges = regress_ranges
        self.center_sampling = center_sampling
        self.center_sample_radius = center_sample_radius
        self.norm_on_bbox = norm_on_bbox
        self.centerness_on_reg = centerness_on_reg
        super().__init__(
            num_classes,
            in_channels,
            loss_cls=loss_cls,
            loss_bbox=loss_bbox,
            norm_cfg=norm_cfg,
            init_cfg=init_cfg,
            **kwargs,
        )
        self.loss_centerness = build_loss(loss_centerness)

    def _init_layers(self) -> None:
        """Builds the layers."""
        super()._init_layers()
        self.conv_centerness = nn.Conv2d(self.feat_channels, 1, 3, padding=1)
        self.scales = nn.ModuleList([Scale(1.0) for _ in self.strides])

    def forward(self, feats: Sequence[Tensor]) -> Any:
        """Returns per level logits (B, C, H, W), distances (B, 4, H, W), centers (B, 1, H, W)."""
        feats = to_weight_dtype(feats, self)
        return multi_apply(self.forward_single, feats, self.scales, self.strides)

    def forward_single(  # type: ignore[override]
        self, x: Tensor, scale: nn.Module, stride: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predicts for one level.

        Args:
            x: (B, in_channels, H, W).
            scale: learned factor of the distances of this level.
            stride: of this level.
        """
        cls_score, bbox_pred, cls_feat, reg_feat = super().forward_single(x)
        centerness = self.conv_centerness(reg_feat if self.centerness_on_reg else cls_feat)
        # In fp32: the exponential overflows in half precision.
        distances = scale(bbox_pred).float()
        if not self.norm_on_bbox:
            return cls_score, distances.exp(), centerness
        distances = distances.clamp(min=0)
        return cls_score, distances if self.training else distances * stride, centerness

    def loss(  # type: ignore[override]
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        centernesses: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Returns ``loss_cls``, ``loss_bbox`` and ``loss_centerness``.

        Args:
            cls_scores: per level (B, C, H, W).
            bbox_preds: per level (B, 4, H, W).
            centernesses: per level (B, 1, H, W).
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: without effect, as in 1.x.
        """
        assert len(cls_scores) == len(bbox_preds) == len(centernesses)
        cls_scores, bbox_preds, centernesses = at_least_fp32(
            [list(cls_scores), list(bbox_preds), list(centernesses)]
        )
        batch = len(cls_scores[0])
        points = self.prior_generator.grid_priors(
            [x.shape[-2:] for x in cls_scores],
            dtype=bbox_preds[0].dtype,
            device=bbox_preds[0].device,
        )
        label_list, target_list = self.get_targets(points, gt_bboxes, gt_labels)
        labels, bbox_targets = torch.cat(label_list), torch.cat(target_list)
        logits = _flatten(cls_scores, self.cls_out_channels)
        pos = ((labels >= 0) & (labels < self.num_classes)).nonzero().reshape(-1)
        num_pos = reduce_mean(logits.new_tensor(float(len(pos)))).clamp(min=1.0)
        loss_cls = self.loss_cls(logits, labels, avg_factor=num_pos)

        boxes = _flatten(bbox_preds, 4)[pos]
        centerness = _flatten(centernesses, 1).view(-1)[pos]
        goals = self.centerness_target(bbox_targets[pos])
        denominator = reduce_mean(goals.sum().detach()).clamp(min=1e-6)
        if not len(pos):  # sums of nothing: 0, with a graph
            return dict(loss_cls=loss_cls, loss_bbox=boxes.sum(), loss_centerness=centerness.sum())
        at = torch.cat([level.repeat(batch, 1) for level in points])[pos]
        loss_bbox = self.loss_bbox(
            self.bbox_coder.decode(at, boxes),
            self.bbox_coder.decode(at, bbox_targets[pos]),
            weight=goals,
            avg_factor=denominator,
        )
        loss_centerness = self.loss_centerness(centerness, goals, avg_factor=num_pos)
        return dict(loss_cls=loss_cls, loss_bbox=loss_bbox, loss_centerness=loss_centerness)

    def get_targets(
        self, points: list[Tensor], gt_bboxes_list: list[Tensor], gt_labels_list: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the targets of a batch, per level image by image.

        Args:
            points: per level (n, 2).
            gt_bboxes_list: per image (k, 4).
            gt_labels_list: per image (k,).

        Returns:
            Per level labels (B * n,), background being ``num_classes``, and distances (B * n, 4).
        """
        assert len(points) == len(self.regress_ranges)
        sizes = [len(level) for level in points]
        ranges = [
            level.new_tensor(limits).expand(len(level), 2)
            for level, limits in zip(points, self.regress_ranges, strict=True)
        ]
        labels, targets = multi_apply(
            self._get_target_single,
            gt_bboxes_list,
            gt_labels_list,
            points=torch.cat(points),
            regress_ranges=torch.cat(ranges),
            num_points_per_lvl=sizes,
        )
        by_level = zip(*(label.split(sizes) for label in labels), strict=True)
        level_labels = [torch.cat(level) for level in by_level]
        by_level = zip(*(target.split(sizes) for target in targets), strict=True)
        level_targets = [torch.cat(level) for level in by_level]
        if self.norm_on_bbox:
            pairs = zip(level_targets, self.strides, strict=True)
            level_targets = [target / stride for target, stride in pairs]
        return level_labels, level_targets

    def _get_target_single(
        self,
        gt_bboxes: Tensor,
        gt_labels: Tensor,
        points: Tensor,
        regress_ranges: Tensor,
        num_points_per_lvl: list[int],
    ) -> tuple[Tensor, Tensor]:
        """Returns labels (N,) and distances (N, 4) of the points (N, 2) of one image."""
        if not len(gt_labels):
            return (
                gt_labels.new_full((len(points),), self.num_classes),
                gt_bboxes.new_zeros(len(points), 4),
            )
        gt_bboxes = gt_bboxes.float()
        x, y = points[:, None].unbind(-1)
        distances = torch.stack(
            [
                x - gt_bboxes[:, 0],
                y - gt_bboxes[:, 1],
                gt_bboxes[:, 2] - x,
                gt_bboxes[:, 3] - y,
            ],
            -1,
        )
        if self.center_sampling:
            inside = self._near_center(points, gt_bboxes, num_points_per_lvl)
        else:
            inside = distances.min(-1)[0] > 0
        farthest = distances.max(-1)[0]
        in_range = (farthest >= regress_ranges[:, :1]) & (farthest <= regress_ranges[:, 1:])
        # A point in several objects belongs to the smallest one.
        areas = (gt_bboxes[:, 2:] - gt_bboxes[:, :2]).prod(1)
        areas = torch.where(inside & in_range, areas, INF)
        smallest, owner = areas.min(1)
        labels = torch.where(smallest == INF, self.num_classes, gt_labels[owner])
        return labels, distances[torch.arange(len(points), device=owner.device), owner]

    def _near_center(
        self, points: Tensor, gt_bboxes: Tensor, num_points_per_lvl: list[int]
    ) -> Tensor:
        """Returns (N, k): whether points lie in a square around the centre, and in the box."""
        radius = torch.cat(
            [
                points.new_full((count, 1, 1), stride * self.center_sample_radius)
                for count, stride in zip(num_points_per_lvl, self.strides, strict=True)
            ]
        )
        centers = (gt_bboxes[:, :2] + gt_bboxes[:, 2:]) / 2
        low = torch.maximum(centers - radius, gt_bboxes[:, :2])
        high = torch.minimum(centers + radius, gt_bboxes[:, 2:])
        at = points[:, None]
        return torch.cat([at - low, high - at], -1).min(-1)[0] > 0

    @staticmethod
    def centerness_target(pos_bbox_targets: Tensor) -> Tensor:
        """Returns (P,) how near to the centre points with these distances (P, 4) are."""
        if not len(pos_bbox_targets):
            return pos_bbox_targets[:, 0]
        x, y = pos_bbox_targets[:, [0, 2]], pos_bbox_targets[:, [1, 3]]
        product = (x.min(-1)[0] / x.max(-1)[0]) * (y.min(-1)[0] / y.max(-1)[0])
        return product.sqrt()


def _flatten(levels: list[Tensor], channels: int) -> Tensor:
    """Joins maps (B, C, H, W), level by level and image by image, to (N, C)."""
    return torch.cat([x.permute(0, 2, 3, 1).reshape(-1, channels) for x in levels])
