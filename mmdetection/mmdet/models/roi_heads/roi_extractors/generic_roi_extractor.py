"""Regions from all levels together (GRoIE: Rossi et al., 2020, arXiv:2004.13665)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.cnn import build_plugin_layer
from mmdet.models.numerics import zero_loss
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from mmdet.registry import MODELS, ModelConfigError

AGGREGATIONS = ("sum", "concat")


@MODELS.register_module()
class GenericRoIExtractor(BaseRoIExtractor):
    """Sums or concatenates what all levels say about a region.

    Args:
        aggregation: "sum" or "concat".
        pre_cfg: plug-in layer that the features of each level go through.
        post_cfg: plug-in layer that the result goes through.
        **kwargs: arguments of :class:`BaseRoIExtractor`.
    """

    def __init__(
        self,
        aggregation: str = "sum",
        pre_cfg: Mapping[str, Any] | None = None,
        post_cfg: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if aggregation not in AGGREGATIONS:
            raise ModelConfigError(
                f"aggregation must be one of {AGGREGATIONS}, but is {aggregation!r}"
            )
        self.aggregation = aggregation
        self.with_post = post_cfg is not None
        self.with_pre = pre_cfg is not None
        if post_cfg is not None:
            self.post_module = build_plugin_layer(post_cfg, "_post_module")[1]
        if pre_cfg is not None:
            self.pre_module = build_plugin_layer(pre_cfg, "_pre_module")[1]

    def forward(
        self, feats: Sequence[Tensor], rois: Tensor, roi_scale_factor: float | None = None
    ) -> Tensor:
        """Pools regions; arguments as in :class:`SingleRoIExtractor`."""
        if len(feats) == 1:
            return self._pool(0, feats[0], rois)
        if not len(rois):
            size = self.roi_layers[0].output_size
            empty = feats[0].new_zeros(0, self.out_channels, *size)  # type: ignore[misc]
            return empty + sum(zero_loss(feat) for feat in feats)
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        levels = [self._pool(i, feat, rois) for i, feat in enumerate(feats)]
        num_channels = sum(level.shape[1] for level in levels)
        if self.with_pre:
            levels = [self.pre_module(level) for level in levels]
        if self.aggregation == "concat":
            assert num_channels == self.out_channels, (
                f"out_channels must be {num_channels}, that of all levels together"
            )
            pooled = torch.cat(levels, dim=1)
        else:
            pooled = sum(levels[1:], levels[0])
        return self.post_module(pooled) if self.with_post else pooled
