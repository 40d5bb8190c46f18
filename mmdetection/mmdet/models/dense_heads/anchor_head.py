"""Heads that classify and regress anchors (Ren et al., 2015, arXiv:1506.01497)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.boxes import images_to_levels, multi_apply
from mmdet.boxes.builder import (
    build_assigner,
    build_bbox_coder,
    build_prior_generator,
    build_sampler,
)
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.anchor_targets import AnchorTargets
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.numerics import as_config, at_least_fp32, to_weight_dtype, zero_loss
from mmdet.registry import MODELS, ModelConfigError

logger = logging.getLogger(__name__)

Cfg = Mapping[str, Any]

ANCHORS = dict(
    type="AnchorGenerator",
    scales=[8, 16, 32],
    ratios=[0.5, 1.0, 2.0],
    strides=[4, 8, 16, 32, 64],
)
CODER = dict(
    type="DeltaXYWHBBoxCoder",
    clip_border=True,
    target_means=(0.0, 0.0, 0.0, 0.0),
    target_stds=(1.0, 1.0, 1.0, 1.0),
)
# These weigh easy boxes down themselves, so no boxes are sampled for them.
UNSAMPLED_LOSSES = ("FocalLoss", "GHMC", "QualityFocalLoss")


@MODELS.register_module()
class AnchorHead(BaseDenseHead, AnchorTargets):
    """A convolution for classes and one for boxes; keys ``conv_cls``, ``conv_reg``.

    Legend: B images, A anchors per position, N anchors of an image, C = ``cls_out_channels``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        feat_channels: of hidden layers, where subclasses have some.
        anchor_generator: places the anchors.
        bbox_coder: turns boxes into numbers relative to an anchor, and back.
        reg_decoded_bbox: the loss compares boxes instead of those numbers (IoU losses).
        loss_cls: loss of the classes; ``use_sigmoid`` decides whether there is a background logit.
        loss_bbox: loss of the boxes.
        train_cfg: ``assigner``, ``sampler``, ``allowed_border``, ``pos_weight``.
        test_cfg: ``nms_pre``, ``score_thr``, ``nms``, ``max_per_img``, ``min_bbox_size``.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        feat_channels: int = 256,
        anchor_generator: Cfg = ANCHORS,
        bbox_coder: Cfg = CODER,
        reg_decoded_bbox: bool = False,
        loss_cls: Cfg = dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0),  # noqa: B006
        loss_bbox: Cfg = dict(type="SmoothL1Loss", beta=1.0 / 9.0, loss_weight=1.0),  # noqa: B006
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        init_cfg: Any = dict(type="Normal", layer="Conv2d", std=0.01),  # noqa: B006
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.feat_channels = feat_channels
        self.use_sigmoid_cls = loss_cls.get("use_sigmoid", False)
        self.cls_out_channels = num_classes if self.use_sigmoid_cls else num_classes + 1
        if self.cls_out_channels <= 0:
            raise ValueError(f"num_classes={num_classes} is too small")
        self.reg_decoded_bbox = reg_decoded_bbox
        self.bbox_coder = build_bbox_coder(bbox_coder)
        self.loss_cls = build_loss(loss_cls)
        self.loss_bbox = build_loss(loss_bbox)
        self.train_cfg = as_config(train_cfg)
        self.test_cfg = as_config(test_cfg)
        self.assigner: Any = None
        self.sampler: Any = None
        self.sampling = False
        if self.train_cfg:
            self._init_training(loss_cls["type"])
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self.prior_generator = build_prior_generator(anchor_generator)
        # One number for all levels; heads with another number for each (SSD) keep a list.
        self.num_base_priors: Any = self.prior_generator.num_base_priors[0]
        self._init_layers()

    def _init_training(self, loss_type: Any) -> None:
        if self.train_cfg.get("assigner") is None:
            raise ModelConfigError(f"train_cfg of {type(self).__name__} needs the key 'assigner'")
        self.assigner = build_assigner(self.train_cfg.assigner)
        sampler = self.train_cfg.get("sampler")
        self.sampling = sampler is not None and str(sampler.type).split(".")[-1] != "PseudoSampler"
        if self.sampling and loss_type in UNSAMPLED_LOSSES:
            logger.warning(
                "train_cfg.sampler: all boxes are used, because loss_cls is a %s", loss_type
            )
            self.sampling = False
        # The section itself is passed on, so that errors can name it.
        cfg = sampler if self.sampling else dict(type="PseudoSampler")
        self.sampler = build_sampler(cfg, context=self)

    @property
    def num_anchors(self) -> Any:
        """Anchors per position; the name of older plug-ins for ``num_base_priors``."""
        return self.num_base_priors

    @property
    def anchor_generator(self) -> Any:
        """The name of older plug-ins for ``prior_generator``."""
        return self.prior_generator

    def _init_layers(self) -> None:
        """Builds the layers."""
        self.conv_cls = nn.Conv2d(self.in_channels, self.num_base_priors * self.cls_out_channels, 1)
        self.conv_reg = nn.Conv2d(self.in_channels, self.num_base_priors * 4, 1)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps one level (B, in_channels, H, W) to (B, A·C, H, W) and (B, A·4, H, W)."""
        return self.conv_cls(x), self.conv_reg(x)

    def forward(self, feats: Sequence[Tensor]) -> tuple[list[Tensor], ...]:
        """Returns logits and box deltas of all levels."""
        return multi_apply(self.forward_single, to_weight_dtype(feats, self))

    def loss_single(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        anchors: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        bbox_targets: Tensor,
        bbox_weights: Tensor,
        num_total_samples: float,
    ) -> tuple[Tensor, Tensor]:
        """Returns the two losses of one level.

        Args:
            cls_score: (B, A·C, H, W).
            bbox_pred: (B, A·4, H, W).
            anchors: (B, n, 4).
            labels: (B, n).
            label_weights: (B, n).
            bbox_targets: (B, n, 4).
            bbox_weights: (B, n, 4).
            num_total_samples: what the losses are divided by.
        """
        logits = cls_score.permute(0, 2, 3, 1).reshape(-1, self.cls_out_channels)
        loss_cls = self.loss_cls(
            logits, labels.reshape(-1), label_weights.reshape(-1), avg_factor=num_total_samples
        )
        boxes = bbox_pred.permute(0, 2, 3, 1).reshape(-1, 4)
        if self.reg_decoded_bbox:
            boxes = self.bbox_coder.decode(anchors.reshape(-1, 4), boxes)
        loss_bbox = self.loss_bbox(
            boxes,
            bbox_targets.reshape(-1, 4),
            bbox_weights.reshape(-1, 4),
            avg_factor=num_total_samples,
        )
        return loss_cls, loss_bbox

    def loss(  # type: ignore[override]  # RPNHead has no labels, others have further maps
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor] | None,
        img_metas: list[Cfg],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns ``loss_cls`` and ``loss_bbox``, one value per level.

        Args:
            cls_scores: per level (B, A·C, H, W).
            bbox_preds: per level (B, A·4, H, W).
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: per image boxes to ignore.
        """
        cls_scores, bbox_preds = at_least_fp32(cls_scores), at_least_fp32(bbox_preds)
        sizes = [score.shape[-2:] for score in cls_scores]
        assert len(sizes) == self.prior_generator.num_levels
        anchors, valid_flags = self.get_anchors(sizes, img_metas, device=cls_scores[0].device)
        targets = self.get_targets(
            anchors,
            valid_flags,
            gt_bboxes,
            img_metas,
            gt_bboxes_ignore_list=gt_bboxes_ignore,
            gt_labels_list=gt_labels,
            label_channels=self.cls_out_channels if self.use_sigmoid_cls else 1,
        )
        if targets is None:
            zeros = [zero_loss(x) for x in cls_scores], [zero_loss(x) for x in bbox_preds]
            return dict(loss_cls=zeros[0], loss_bbox=zeros[1])
        *per_level, num_pos, num_neg = targets
        num_level_anchors = [len(level) for level in anchors[0]]
        losses_cls, losses_bbox = multi_apply(
            self.loss_single,
            cls_scores,
            bbox_preds,
            images_to_levels([torch.cat(levels) for levels in anchors], num_level_anchors),
            *per_level,
            num_total_samples=num_pos + num_neg if self.sampling else num_pos,
        )
        return dict(loss_cls=losses_cls, loss_bbox=losses_bbox)

    def aug_test(
        self, feats: Sequence[Any], img_metas: list[Any], rescale: bool = False
    ) -> list[Any]:
        """Returns boxes (n, 5) and labels (n,) of one image, merged from several views."""
        return self.aug_test_bboxes(feats, img_metas, rescale=rescale)
