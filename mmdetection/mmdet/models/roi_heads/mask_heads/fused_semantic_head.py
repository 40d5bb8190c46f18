"""A semantic branch beside detection (Chen et al., 2019, arXiv:1901.07518, figure 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmcv.model import BaseModule
from mmdet.models.builder import build_loss
from mmdet.models.numerics import at_least_fp32, to_weight_dtype
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class FusedSemanticHead(BaseModule):
    """All levels, resized to one and added, give semantic logits and features for the RoI heads.

    Args:
        num_ins: number of levels.
        fusion_level: whose size the result has.
        seg_scale_factor: size of the labels over that of the image.
        num_convs: hidden convolutions.
        in_channels: of the levels.
        conv_out_channels: of the convolutions.
        num_classes: of the logits.
        conv_cfg: convolutions.
        norm_cfg: norms.
        ignore_label: replaces ``loss_seg.ignore_index``.
        loss_weight: replaces ``loss_seg.loss_weight``.
        loss_seg: loss.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        num_ins: int,
        fusion_level: int,
        seg_scale_factor: float = 1 / 8,
        num_convs: int = 4,
        in_channels: int = 256,
        conv_out_channels: int = 256,
        num_classes: int = 183,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        ignore_label: int | None = None,
        loss_weight: float | None = None,
        loss_seg: Cfg = dict(type="CrossEntropyLoss", ignore_index=255, loss_weight=0.2),  # noqa: B006
        init_cfg: Any = dict(type="Kaiming", override=dict(name="conv_logits")),  # noqa: B006
    ) -> None:
        super().__init__(init_cfg)
        self.num_ins = num_ins
        self.fusion_level = fusion_level
        self.seg_scale_factor = seg_scale_factor
        self.num_classes = num_classes
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        convs: dict[str, Any] = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.lateral_convs = nn.ModuleList(
            [
                ConvModule(in_channels, in_channels, 1, inplace=False, **convs)
                for _ in range(num_ins)
            ]
        )
        widths = [in_channels] + [conv_out_channels] * num_convs
        self.convs = nn.ModuleList(
            [ConvModule(widths[i], widths[i + 1], 3, padding=1, **convs) for i in range(num_convs)]
        )
        self.conv_embedding = ConvModule(conv_out_channels, conv_out_channels, 1, **convs)
        self.conv_logits = nn.Conv2d(conv_out_channels, num_classes, 1)
        replaced = dict(ignore_index=ignore_label, loss_weight=loss_weight)
        loss_seg = {**loss_seg, **{key: value for key, value in replaced.items() if value}}
        self.criterion: Any = build_loss(loss_seg)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Returns logits (B, num_classes, H, W) and features (B, conv_out_channels, H, W)."""
        feats = to_weight_dtype(feats, self)
        x = self.lateral_convs[self.fusion_level](feats[self.fusion_level])
        size = x.shape[-2:]
        for i, feat in enumerate(feats):
            if i != self.fusion_level:
                feat = F.interpolate(feat, size=size, mode="bilinear", align_corners=True)
                x = x + self.lateral_convs[i](feat)
        for conv in self.convs:
            x = conv(x)
        return self.conv_logits(x), self.conv_embedding(x)

    def loss(self, mask_pred: Tensor, labels: Tensor) -> Tensor:
        """Returns the loss of logits (B, num_classes, H, W) against ``labels`` (B, 1, H, W)."""
        return self.criterion(at_least_fp32(mask_pred), labels.squeeze(1).long())
