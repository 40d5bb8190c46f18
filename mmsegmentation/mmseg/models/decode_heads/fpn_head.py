"""Head of Panoptic FPN (Kirillov et al., 2019, arXiv:1901.02446)."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import Upsample
from mmseg.registry import MODELS, ModelConfigError


@MODELS.register_module()
class FPNHead(BaseDecodeHead):
    """Brings every level of a pyramid to the finest size, convolution by convolution, and adds.

    Args:
        feature_strides: of the maps, the finest first.
        kwargs: of :class:`BaseDecodeHead`; ``in_channels`` and ``in_index`` are lists.
    """

    def __init__(self, feature_strides: Sequence[int], **kwargs: Any) -> None:
        super().__init__(input_transform="multiple_select", **kwargs)
        if len(feature_strides) != len(self.in_channels) or (
            min(feature_strides) != feature_strides[0]
        ):
            raise ModelConfigError(
                f"feature_strides must be one stride for each of {len(self.in_channels)} maps, the"
                f" finest first, but is {feature_strides}"
            )
        self.feature_strides = feature_strides
        self.scale_heads = nn.ModuleList(
            [
                self._scale_head(channels, int(log2(stride) - log2(feature_strides[0])))
                for channels, stride in zip(self.in_channels, feature_strides, strict=True)
            ]
        )

    def _scale_head(self, in_channels: int, num_doublings: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for i in range(max(1, num_doublings)):
            layers.append(
                ConvModule(
                    self.channels if i else in_channels,
                    self.channels,
                    3,
                    padding=1,
                    conv_cfg=self.conv_cfg,
                    norm_cfg=self.norm_cfg,
                    act_cfg=self.act_cfg,
                )
            )
            if num_doublings:
                layers.append(
                    Upsample(scale_factor=2, mode="bilinear", align_corners=self.align_corners)
                )
        return nn.Sequential(*layers)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W), of the finest map's size."""
        maps = self._transform_inputs(inputs)
        feats = self.scale_heads[0](maps[0])
        for head, x in zip(self.scale_heads[1:], maps[1:], strict=True):
            feats = feats + self._resize(head(x), feats.shape[2:])
        return self.cls_seg(feats)
