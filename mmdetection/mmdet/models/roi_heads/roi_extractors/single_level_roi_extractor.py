"""Regions from the level that fits their size (Lin et al., 2016, arXiv:1612.03144, eq. 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.models.numerics import zero_loss
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from mmdet.registry import MODELS


@MODELS.register_module()
class SingleRoIExtractor(BaseRoIExtractor):
    """Takes each region from one level: the larger the region, the coarser.

    Args:
        roi_layer: see :class:`BaseRoIExtractor`.
        out_channels: of the maps.
        featmap_strides: of the maps that are used.
        finest_scale: regions of less than twice this side come from the finest level, those of
            less than four times from the next, and so on.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        roi_layer: Mapping[str, Any],
        out_channels: int,
        featmap_strides: Sequence[int],
        finest_scale: int = 56,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(roi_layer, out_channels, featmap_strides, init_cfg)
        self.finest_scale = finest_scale

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Returns the level (N,) of each region (N, 5)."""
        scale = torch.sqrt((rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2]))
        levels = torch.floor(torch.log2(scale / self.finest_scale + 1e-6))
        return levels.clamp(min=0, max=num_levels - 1).long()

    def forward(
        self, feats: Sequence[Tensor], rois: Tensor, roi_scale_factor: float | None = None
    ) -> Tensor:
        """Pools regions.

        Args:
            feats: maps (B, out_channels, H_i, W_i).
            rois: (N, 5) index of the image, then x1 y1 x2 y2.
            roi_scale_factor: enlarge regions by this, but take them from the same level.

        Returns:
            (N, out_channels, h, w)
        """
        size: Any = self.roi_layers[0].output_size
        pooled = feats[0].new_zeros(len(rois), self.out_channels, *size)
        levels = self.map_roi_levels(rois, len(feats))
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        for level, feat in enumerate(feats):
            chosen = (levels == level).nonzero().squeeze(1)
            if len(chosen):
                pooled[chosen] = self._pool(level, feat, rois[chosen])
            else:
                # Every map belongs to the graph, whatever regions a rank happens to have.
                pooled = pooled + zero_loss(feat)
        return pooled
