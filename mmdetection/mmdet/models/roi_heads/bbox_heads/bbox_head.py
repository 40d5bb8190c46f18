"""The box head: classes and boxes of regions (Girshick, 2015, arXiv:1504.08083)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmcv.model import BaseModule
from mmdet.boxes import multiclass_nms
from mmdet.boxes.builder import build_bbox_coder
from mmdet.models.builder import build_loss
from mmdet.models.losses import accuracy
from mmdet.models.numerics import at_least_fp32, to_weight_dtype, zero_loss
from mmdet.models.roi_heads.bbox_heads.bbox_targets import BBoxTargets
from mmdet.models.roi_heads.bbox_heads.refinement import BBoxRefinement
from mmdet.models.utils.builder import build_linear_layer
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]

CODER = dict(
    type="DeltaXYWHBBoxCoder",
    clip_border=True,
    target_means=[0.0, 0.0, 0.0, 0.0],
    target_stds=[0.1, 0.1, 0.2, 0.2],
)
LINEAR = dict(type="Linear")


@MODELS.register_module()
class BBoxHead(BaseModule, BBoxTargets, BBoxRefinement):
    """One linear layer for classes and one for boxes; keys ``fc_cls``, ``fc_reg``.

    Legend: N regions, C classes without background; label C is the background.

    Args:
        with_avg_pool: average the features of a region first.
        with_cls: predict classes.
        with_reg: predict boxes.
        roi_feat_size: height and width of the features of a region.
        in_channels: their channels.
        num_classes: C.
        bbox_coder: turns boxes into numbers relative to the region, and back.
        reg_class_agnostic: one box for all classes.
        reg_decoded_bbox: the loss compares boxes instead of those numbers (IoU losses).
        reg_predictor_cfg: kind of linear layer for boxes.
        cls_predictor_cfg: kind of linear layer for classes.
        loss_cls: loss of the classes.
        loss_bbox: loss of the boxes.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        with_avg_pool: bool = False,
        with_cls: bool = True,
        with_reg: bool = True,
        roi_feat_size: int | tuple[int, int] = 7,
        in_channels: int = 256,
        num_classes: int = 80,
        bbox_coder: Cfg = CODER,
        reg_class_agnostic: bool = False,
        reg_decoded_bbox: bool = False,
        reg_predictor_cfg: Cfg = LINEAR,
        cls_predictor_cfg: Cfg = LINEAR,
        loss_cls: Cfg = dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),  # noqa: B006
        loss_bbox: Cfg = dict(type="SmoothL1Loss", beta=1.0, loss_weight=1.0),  # noqa: B006
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if not (with_cls or with_reg):
            raise ModelConfigError("a box head needs with_cls or with_reg")
        self.with_avg_pool = with_avg_pool
        self.with_cls = with_cls
        self.with_reg = with_reg
        self.roi_feat_size = _pair(roi_feat_size)
        self.roi_feat_area = self.roi_feat_size[0] * self.roi_feat_size[1]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.reg_class_agnostic = reg_class_agnostic
        self.reg_decoded_bbox = reg_decoded_bbox
        self.reg_predictor_cfg = reg_predictor_cfg
        self.cls_predictor_cfg = cls_predictor_cfg
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self.bbox_coder = build_bbox_coder(bbox_coder)
        self.loss_cls: Any = build_loss(loss_cls)
        self.loss_bbox: Any = build_loss(loss_bbox)
        width = in_channels if with_avg_pool else in_channels * self.roi_feat_area
        if with_avg_pool:
            self.avg_pool = nn.AvgPool2d(self.roi_feat_size)
        self._build_predictors(width, width)
        self.debug_imgs = None
        if init_cfg is None:
            self.init_cfg = []
            if with_cls:
                self.init_cfg.append(dict(type="Normal", std=0.01, override=dict(name="fc_cls")))
            if with_reg:
                self.init_cfg.append(dict(type="Normal", std=0.001, override=dict(name="fc_reg")))

    def _build_predictors(self, cls_width: int, reg_width: int) -> None:
        if self.with_cls:
            self.fc_cls = build_linear_layer(
                self.cls_predictor_cfg, in_features=cls_width, out_features=self.cls_channels
            )
        if self.with_reg:
            boxes = 1 if self.reg_class_agnostic else self.num_classes
            self.fc_reg = build_linear_layer(
                self.reg_predictor_cfg, in_features=reg_width, out_features=4 * boxes
            )

    @property
    def cls_channels(self) -> int:
        """Number of logits of a region: one for each class and one for the background."""
        if self.custom_cls_channels:
            return self.loss_cls.get_cls_channels(self.num_classes)
        return self.num_classes + 1

    @property
    def custom_cls_channels(self) -> bool:
        """Whether the loss decides how many logits there are."""
        return getattr(self.loss_cls, "custom_cls_channels", False)

    @property
    def custom_activation(self) -> bool:
        """Whether the loss has its own way to turn logits into scores."""
        return getattr(self.loss_cls, "custom_activation", False)

    @property
    def custom_accuracy(self) -> bool:
        """Whether the loss has its own accuracy."""
        return getattr(self.loss_cls, "custom_accuracy", False)

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Maps features (N, in_channels, h, w) to logits (N, C + 1) and boxes (N, 4·C)."""
        x = to_weight_dtype(x, self)
        if self.with_avg_pool:
            # Pooling refuses an empty batch.
            x = self.avg_pool(x).flatten(1) if x.numel() else x.mean(dim=(-1, -2))
        x = x.flatten(1) if x.dim() > 2 else x
        cls_score = self.fc_cls(x) if self.with_cls else None
        return cls_score, self.fc_reg(x) if self.with_reg else None

    def loss(
        self,
        cls_score: Tensor | None,
        bbox_pred: Tensor | None,
        rois: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        bbox_targets: Tensor,
        bbox_weights: Tensor,
        reduction_override: str | None = None,
    ) -> dict[str, Any]:
        """Returns ``loss_cls``, ``acc`` (percent) and ``loss_bbox``.

        Without regions the losses are 0 and keep their graph.

        Args:
            cls_score: (N, C + 1).
            bbox_pred: (N, 4·C) or (N, 4).
            rois: (N, 5).
            labels: (N,).
            label_weights: (N,).
            bbox_targets: (N, 4).
            bbox_weights: (N, 4).
            reduction_override: "none", "mean" or "sum".
        """
        losses: dict[str, Any] = {}
        if cls_score is not None:
            targets = (labels, label_weights, reduction_override)
            losses.update(self._cls_loss(at_least_fp32(cls_score), *targets))
        if bbox_pred is not None:
            targets = (bbox_targets, bbox_weights, reduction_override)
            losses["loss_bbox"] = self._bbox_loss(at_least_fp32(bbox_pred), rois, labels, *targets)
        return losses

    def _cls_loss(
        self, cls_score: Tensor, labels: Tensor, label_weights: Tensor, reduction: str | None
    ) -> dict[str, Any]:
        if not cls_score.numel():
            return dict(loss_cls=zero_loss(cls_score), acc=cls_score.new_zeros(1))
        avg_factor = max(float((label_weights > 0).sum()), 1.0)
        options = dict(avg_factor=avg_factor, reduction_override=reduction)
        loss = self.loss_cls(cls_score, labels, label_weights, **options)
        losses = dict(loss) if isinstance(loss, dict) else dict(loss_cls=loss)
        if self.custom_activation:
            losses.update(self.loss_cls.get_accuracy(cls_score, labels))
        else:
            losses["acc"] = accuracy(cls_score, labels)
        return losses

    def _bbox_loss(
        self,
        bbox_pred: Tensor,
        rois: Tensor,
        labels: Tensor,
        bbox_targets: Tensor,
        bbox_weights: Tensor,
        reduction: str | None,
    ) -> Tensor:
        pos = (labels >= 0) & (labels < self.num_classes)
        if not pos.any():
            return zero_loss(bbox_pred)
        if self.reg_decoded_bbox:
            bbox_pred = self.bbox_coder.decode(rois[:, 1:], bbox_pred)
        if self.reg_class_agnostic:
            boxes = bbox_pred.view(len(bbox_pred), 4)[pos]
        else:
            boxes = bbox_pred.view(len(bbox_pred), -1, 4)[pos, labels[pos]]
        return self.loss_bbox(
            boxes,
            bbox_targets[pos],
            bbox_weights[pos],
            avg_factor=len(bbox_targets),
            reduction_override=reduction,
        )

    def get_bboxes(
        self,
        rois: Tensor,
        cls_score: Tensor | None,
        bbox_pred: Tensor | None,
        img_shape: Any,
        scale_factor: Any,
        rescale: bool = False,
        cfg: Any = None,
    ) -> tuple[Any, ...]:
        """Turns the predictions of one image into detections.

        Args:
            rois: (N, 5).
            cls_score: (N, C + 1) logits.
            bbox_pred: (N, 4·C).
            img_shape: height and width of the image without padding.
            scale_factor: (4,) of the image.
            rescale: return boxes in pixels of the original image.
            cfg: ``score_thr``, ``nms``, ``max_per_img``; None: no suppression.

        Returns:
            Boxes (n, 5) with scores and labels (n,); without ``cfg`` boxes (N, 4·C) and scores
            (N, C + 1).
        """
        cls_score, bbox_pred = at_least_fp32(cls_score), at_least_fp32(bbox_pred)
        scores: Any = None
        if self.custom_cls_channels:
            scores = self.loss_cls.get_activation(cls_score)
        elif cls_score is not None:
            scores = F.softmax(cls_score, dim=-1)
        if bbox_pred is not None:
            boxes = self.bbox_coder.decode(rois[..., 1:], bbox_pred, max_shape=img_shape)
        else:
            boxes = rois[:, 1:].clone()
            if img_shape is not None:
                boxes[:, 0::2].clamp_(min=0, max=img_shape[1])
                boxes[:, 1::2].clamp_(min=0, max=img_shape[0])
        if rescale and len(boxes):
            scale = boxes.new_tensor(scale_factor)
            boxes = (boxes.view(len(boxes), -1, 4) / scale).view(len(boxes), -1)
        if cfg is None:
            return boxes, scores
        return multiclass_nms(boxes, scores, cfg.score_thr, cfg.nms, cfg.max_per_img)
