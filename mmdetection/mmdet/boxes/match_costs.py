"""What a Hungarian assigner minimises: costs (N, G) of matching predictions with objects."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.boxes.iou import bbox_overlaps
from mmdet.boxes.transforms import bbox_cxcywh_to_xyxy, bbox_xyxy_to_cxcywh
from mmdet.registry import MODELS, ModelConfigError


@MODELS.register_module()
class BBoxL1Cost:
    """L1 distance of boxes.

    Args:
        weight: factor of this cost.
        box_format: "xyxy" compares corners, "xywh" centres and sizes.
    """

    def __init__(self, weight: float = 1.0, box_format: str = "xyxy") -> None:
        if box_format not in ("xyxy", "xywh"):
            raise ModelConfigError(
                f"BBoxL1Cost: box_format must be 'xyxy' or 'xywh', but is {box_format!r}"
            )
        self.weight = weight
        self.box_format = box_format

    def __call__(self, bbox_pred: Tensor, gt_bboxes: Tensor) -> Tensor:
        """Compares predictions (N, 4) cx cy w h, from 0 to 1, with objects (G, 4) x1 y1 x2 y2."""
        if self.box_format == "xywh":
            gt_bboxes = bbox_xyxy_to_cxcywh(gt_bboxes)
        else:
            bbox_pred = bbox_cxcywh_to_xyxy(bbox_pred)
        return torch.cdist(bbox_pred, gt_bboxes, p=1) * self.weight


@MODELS.register_module()
class FocalLossCost:
    """Focal loss as a positive, less that as a negative.

    Args:
        weight: factor of this cost.
        alpha: share of positives.
        gamma: how much well-classified samples count less.
        eps: keeps logarithms finite.
        binary_input: whether masks are compared instead of classes.
    """

    def __init__(
        self,
        weight: float = 1.0,
        alpha: float = 0.25,
        gamma: float = 2,
        eps: float = 1e-12,
        binary_input: bool = False,
    ) -> None:
        self.weight = weight
        self.alpha = alpha
        self.gamma = gamma
        self.eps = eps
        self.binary_input = binary_input

    def _both(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        p = logits.sigmoid()
        negative = -(1 - p + self.eps).log() * (1 - self.alpha) * p.pow(self.gamma)
        positive = -(p + self.eps).log() * self.alpha * (1 - p).pow(self.gamma)
        return positive, negative

    def __call__(self, cls_pred: Tensor, gt_labels: Tensor) -> Tensor:
        """Compares logits (N, C) with classes (G,), or (N, ...) with masks (G, ...)."""
        if not self.binary_input:
            positive, negative = self._both(cls_pred)
            return (positive[:, gt_labels] - negative[:, gt_labels]) * self.weight
        masks = gt_labels.flatten(1).float()
        positive, negative = self._both(cls_pred.flatten(1))
        return (positive @ masks.t() + negative @ (1 - masks).t()) / masks.shape[1] * self.weight


@MODELS.register_module()
class ClassificationCost:
    """Minus the probability of the object's class.

    Args:
        weight: factor of this cost.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, cls_pred: Tensor, gt_labels: Tensor) -> Tensor:
        """Compares logits (N, C) with classes (G,)."""
        return -cls_pred.softmax(-1)[:, gt_labels] * self.weight


@MODELS.register_module()
class IoUCost:
    """Minus the overlap.

    Args:
        iou_mode: "iou", "iof" or "giou".
        weight: factor of this cost.
    """

    def __init__(self, iou_mode: str = "giou", weight: float = 1.0) -> None:
        self.iou_mode = iou_mode
        self.weight = weight

    def __call__(self, bboxes: Tensor, gt_bboxes: Tensor) -> Tensor:
        """Compares boxes (N, 4) with objects (G, 4), both x1 y1 x2 y2."""
        return -bbox_overlaps(bboxes, gt_bboxes, mode=self.iou_mode) * self.weight


@MODELS.register_module()
class DiceCost:
    """Dice loss of masks.

    Args:
        weight: factor of this cost.
        pred_act: whether predictions are logits.
        eps: keeps empty masks off 0 / 0.
        naive_dice: sums in the denominator instead of sums of squares.
    """

    def __init__(
        self,
        weight: float = 1.0,
        pred_act: bool = False,
        eps: float = 1e-3,
        naive_dice: bool = True,
    ) -> None:
        self.weight = weight
        self.pred_act = pred_act
        self.eps = eps
        self.naive_dice = naive_dice

    def __call__(self, mask_preds: Tensor, gt_masks: Tensor) -> Tensor:
        """Compares masks (N, ...) with objects (G, ...)."""
        pred = (mask_preds.sigmoid() if self.pred_act else mask_preds).flatten(1)
        masks = gt_masks.flatten(1).float()
        common = 2 * pred @ masks.t()
        if self.naive_dice:
            total = pred.sum(-1)[:, None] + masks.sum(-1)[None, :]
        else:
            total = pred.square().sum(1)[:, None] + masks.square().sum(1)[None, :]
        return (1 - (common + self.eps) / (total + self.eps)) * self.weight


@MODELS.register_module()
class CrossEntropyLossCost:
    """Sigmoid cross entropy of masks, averaged over pixels.

    Args:
        weight: factor of this cost.
        use_sigmoid: must be True.
    """

    def __init__(self, weight: float = 1.0, use_sigmoid: bool = True) -> None:
        if not use_sigmoid:
            raise ModelConfigError("CrossEntropyLossCost: only use_sigmoid=True is supported")
        self.weight = weight
        self.use_sigmoid = use_sigmoid

    def __call__(self, cls_pred: Tensor, gt_labels: Tensor) -> Tensor:
        """Compares logits (N, ...) with masks (G, ...)."""
        logits, masks = cls_pred.flatten(1).float(), gt_labels.flatten(1).float()
        positive, negative = F.softplus(-logits), F.softplus(logits)
        return (positive @ masks.t() + negative @ (1 - masks).t()) / logits.shape[1] * self.weight
