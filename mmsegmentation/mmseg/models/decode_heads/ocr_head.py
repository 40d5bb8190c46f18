"""Object-contextual representations (Yuan et al., 2019, arXiv:1909.11065)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
from mmseg.models.utils.self_attention_block import SelfAttentionBlock
from mmseg.ops import resize
from mmseg.registry import MODELS

Cfg = Mapping[str, Any]


class SpatialGatherModule(nn.Module):
    """Averages the features of the pixels that a first prediction gives to each class.

    Args:
        scale: of the logits before the softmax over pixels.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, feats: Tensor, probs: Tensor) -> Tensor:
        """Returns (B, C, K, 1).

        Args:
            feats: (B, C, H, W).
            probs: (B, K, H, W) logits.
        """
        share = (self.scale * probs.flatten(2)).softmax(dim=2)
        context = share @ feats.flatten(2).transpose(1, 2)
        return context.transpose(1, 2).contiguous().unsqueeze(3)


class ObjectAttentionBlock(SelfAttentionBlock):
    """Pixels gather the representations of the classes.

    Args:
        in_channels: of the features.
        channels: of keys and queries.
        scale: queries are pooled by this factor.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        scale: int,
        conv_cfg: Cfg | None,
        norm_cfg: Cfg | None,
        act_cfg: Cfg | None,
    ) -> None:
        super().__init__(
            key_in_channels=in_channels,
            query_in_channels=in_channels,
            channels=channels,
            out_channels=in_channels,
            share_key_query=False,
            query_downsample=nn.MaxPool2d(kernel_size=scale) if scale > 1 else None,
            key_downsample=None,
            key_query_num_convs=2,
            key_query_norm=True,
            value_out_num_convs=1,
            value_out_norm=True,
            matmul_norm=True,
            with_out=True,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg,
        )
        self.bottleneck = ConvModule(
            in_channels * 2,
            in_channels,
            1,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg,
        )

    def forward(self, query_feats: Tensor, key_feats: Tensor) -> Tensor:
        """Returns features (B, C, H, W) that know the objects they belong to."""
        context = super().forward(query_feats, key_feats)
        if self.query_downsample is not None:
            context = resize(context, query_feats.shape[2:], mode="bilinear", align_corners=False)
        return self.bottleneck(torch.cat([context, query_feats], dim=1))


@MODELS.register_module()
class OCRHead(BaseCascadeDecodeHead):
    """Refines the prediction of the head before by the representation of each class.

    Args:
        ocr_channels: of keys and queries.
        scale: see ``SpatialGatherModule`` and ``ObjectAttentionBlock``.
        kwargs: of :class:`BaseDecodeHead`.
    """

    def __init__(self, ocr_channels: int, scale: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ocr_channels = ocr_channels
        self.scale = scale
        convs: dict[str, Any] = {
            "conv_cfg": self.conv_cfg,
            "norm_cfg": self.norm_cfg,
            "act_cfg": self.act_cfg,
        }
        self.object_context_block = ObjectAttentionBlock(
            self.channels, ocr_channels, scale, **convs
        )
        self.spatial_gather_module = SpatialGatherModule(scale)
        self.bottleneck = ConvModule(self.in_channels, self.channels, 3, padding=1, **convs)

    def forward(self, inputs: Sequence[Tensor], prev_output: Tensor) -> Tensor:
        """Returns the logits (B, out_channels, H, W).

        Args:
            inputs: maps (B, C_i, H_i, W_i).
            prev_output: logits (B, K, H, W) of the head before, of the map's size.
        """
        feats = self.bottleneck(self._transform_inputs(inputs))
        context = self.spatial_gather_module(feats, prev_output.to(feats.dtype))
        return self.cls_seg(self.object_context_block(feats, context))
