"""The mask head of Mask R-CNN (He et al., 2017, arXiv:1703.06870)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmcv.cnn import ConvModule, build_conv_layer, build_upsample_layer
from mmcv.model import BaseModule, ModuleList
from mmdet.masks import mask_target
from mmdet.models.builder import build_loss
from mmdet.models.numerics import at_least_fp32, to_weight_dtype, zero_loss
from mmdet.models.roi_heads.mask_heads.paste import _do_paste_mask, paste_masks
from mmdet.registry import MODELS, ModelConfigError

__all__ = ["FCNMaskHead", "_do_paste_mask"]

logger = logging.getLogger(__name__)

Cfg = Mapping[str, Any]

UPSAMPLING = (None, "deconv", "nearest", "bilinear")


@MODELS.register_module()
class FCNMaskHead(BaseModule):
    """Convolutions, an upsampling and a mask per class.

    Keys ``convs``, ``upsample``, ``conv_logits``.

    Legend: N regions, C classes, h w size of the features, r upsampling factor.

    Args:
        num_convs: hidden convolutions.
        roi_feat_size: h and w.
        in_channels: of the features.
        conv_kernel_size: of the convolutions.
        conv_out_channels: of the convolutions.
        num_classes: C.
        class_agnostic: one mask for all classes.
        upsample_cfg: ``type`` None, "deconv", "nearest" or "bilinear", and ``scale_factor`` r.
        conv_cfg: convolutions.
        norm_cfg: norms.
        predictor_cfg: kind of the last convolution.
        loss_mask: loss.
        init_cfg: must be None.
    """

    def __init__(
        self,
        num_convs: int = 4,
        roi_feat_size: int | tuple[int, int] = 14,
        in_channels: int = 256,
        conv_kernel_size: int = 3,
        conv_out_channels: int = 256,
        num_classes: int = 80,
        class_agnostic: bool = False,
        upsample_cfg: Cfg = dict(type="deconv", scale_factor=2),  # noqa: B006
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        predictor_cfg: Cfg = dict(type="Conv"),  # noqa: B006
        loss_mask: Cfg = dict(type="CrossEntropyLoss", use_mask=True, loss_weight=1.0),  # noqa: B006
        init_cfg: Any = None,
    ) -> None:
        if init_cfg is not None:
            raise ModelConfigError("a mask head initialises itself: init_cfg must be None")
        super().__init__(init_cfg)
        self.upsample_cfg = dict(upsample_cfg)
        self.upsample_method = self.upsample_cfg.get("type")
        if self.upsample_method not in UPSAMPLING:
            raise ValueError(
                f"upsample_cfg: type must be one of {UPSAMPLING}, but is {self.upsample_method!r}"
            )
        self.scale_factor = self.upsample_cfg.pop("scale_factor", None)
        self.num_convs = num_convs
        self.roi_feat_size = _pair(roi_feat_size)
        self.in_channels = in_channels
        self.conv_kernel_size = conv_kernel_size
        self.conv_out_channels = conv_out_channels
        self.num_classes = num_classes
        self.class_agnostic = class_agnostic
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.predictor_cfg = predictor_cfg
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self.loss_mask: Any = build_loss(loss_mask)
        padding = (conv_kernel_size - 1) // 2
        options: dict[str, Any] = dict(padding=padding, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        widths = [in_channels] + [conv_out_channels] * num_convs
        self.convs: Any = ModuleList(
            [
                ConvModule(widths[i], widths[i + 1], conv_kernel_size, **options)
                for i in range(num_convs)
            ]
        )
        self.upsample = self._build_upsample(widths[-1])
        width = conv_out_channels if self.upsample_method == "deconv" else widths[-1]
        out_channels = 1 if class_agnostic else num_classes
        self.conv_logits = build_conv_layer(predictor_cfg, width, out_channels, 1)
        self.relu = nn.ReLU(inplace=True)
        self.debug_imgs = None

    def _build_upsample(self, in_channels: int) -> nn.Module | None:
        if self.upsample_method is None:
            return None
        cfg = dict(self.upsample_cfg)
        if self.upsample_method == "deconv":
            cfg.update(
                in_channels=in_channels,
                out_channels=self.conv_out_channels,
                kernel_size=self.scale_factor,
                stride=self.scale_factor,
            )
        else:
            align_corners = None if self.upsample_method == "nearest" else False
            cfg.update(scale_factor=self.scale_factor, align_corners=align_corners)
        return build_upsample_layer(cfg)

    def init_weights(self) -> None:
        """Initialises the hidden layers as usual, the last two after He."""
        super().init_weights()
        for layer in (self.upsample, self.conv_logits):
            weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
            if isinstance(weight, Tensor) and isinstance(bias, Tensor):
                nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
                nn.init.constant_(bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Maps features (N, in_channels, h, w) to logits (N, C, r·h, r·w)."""
        x = to_weight_dtype(x, self)
        for conv in self.convs:
            x = conv(x)
        return self._predict(x)

    def _predict(self, x: Tensor) -> Tensor:
        if self.upsample is not None:
            x = self.upsample(x)
            x = self.relu(x) if self.upsample_method == "deconv" else x
        return self.conv_logits(x)

    def get_targets(
        self, sampling_results: Sequence[Any], gt_masks: list[Any], rcnn_train_cfg: Any
    ) -> Tensor:
        """Returns the objects' masks (N, m, m) within the positive regions.

        Args:
            sampling_results: one for each image.
            gt_masks: per image the masks of its objects.
            rcnn_train_cfg: ``mask_size`` m.
        """
        boxes = [res.pos_bboxes for res in sampling_results]
        objects = [res.pos_assigned_gt_inds for res in sampling_results]
        return mask_target(boxes, objects, gt_masks, rcnn_train_cfg)

    def loss(self, mask_pred: Tensor, mask_targets: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Returns ``loss_mask``; 0 without regions.

        Args:
            mask_pred: (N, C, m, m).
            mask_targets: (N, m, m).
            labels: (N,).
        """
        mask_pred = at_least_fp32(mask_pred)
        if not len(mask_pred):
            return dict(loss_mask=zero_loss(mask_pred))
        labels = torch.zeros_like(labels) if self.class_agnostic else labels
        return dict(loss_mask=self.loss_mask(mask_pred, mask_targets, labels))

    def get_seg_masks(
        self,
        mask_pred: Any,
        det_bboxes: Tensor,
        det_labels: Tensor,
        rcnn_test_cfg: Any,
        ori_shape: Sequence[int],
        scale_factor: Any,
        rescale: bool,
    ) -> list[list[np.ndarray]]:
        """Returns the masks of one image by class.

        Args:
            mask_pred: (n, C, m, m) logits; or an array of probabilities.
            det_bboxes: (n, 4+) in pixels of the input.
            det_labels: (n,).
            rcnn_test_cfg: ``mask_thr_binary``.
            ori_shape: height and width of the original image.
            scale_factor: (4,) from the original to the input.
            rescale: give masks the size of the original image, not of the input.

        Returns:
            For each class a list of (H, W) bool; uint8 if the threshold is negative.
        """
        if isinstance(mask_pred, Tensor):
            masks = at_least_fp32(mask_pred).sigmoid()
        else:
            masks = det_bboxes.new_tensor(mask_pred)
        if isinstance(scale_factor, float):
            logger.warning("scale_factor is one number; newer pipelines give four")
            scale_factor = [scale_factor] * 4
        if not isinstance(scale_factor, Tensor):
            scale_factor = torch.as_tensor(np.asarray(scale_factor))
        scale = scale_factor.float()
        boxes = det_bboxes[:, :4]
        if rescale:
            img_h, img_w = ori_shape[:2]
            boxes = boxes / scale.to(boxes)
        else:
            img_h = int(np.round(ori_shape[0] * scale[1].item()))
            img_w = int(np.round(ori_shape[1] * scale[0].item()))
        labels = det_labels.tolist()
        if not self.class_agnostic:
            masks = masks[range(len(masks)), det_labels][:, None]
        threshold = rcnn_test_cfg.mask_thr_binary
        segms: list[list[np.ndarray]] = [[] for _ in range(self.num_classes)]
        if not len(masks):
            return segms
        pasted = paste_masks(masks, boxes, int(img_h), int(img_w), threshold)
        for label, mask in zip(labels, pasted, strict=True):
            segms[label].append(mask)
        return segms
