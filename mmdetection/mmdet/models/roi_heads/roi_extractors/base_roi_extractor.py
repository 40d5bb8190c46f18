"""What cuts the features of regions out of the maps of a pyramid."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv import ops
from mmcv.model import BaseModule
from mmcv.registry import ArgumentError, ConfigError, check_arguments


class BaseRoIExtractor(BaseModule):
    """Base of RoI extractors: one RoI layer for each level.

    Args:
        roi_layer: ``type`` (an operator of ``mmcv.ops``, such as "RoIAlign") and its arguments.
        out_channels: of the maps.
        featmap_strides: of the maps that are used.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        roi_layer: Mapping[str, Any],
        out_channels: int,
        featmap_strides: Sequence[int],
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.roi_layers = self.build_roi_layers(roi_layer, featmap_strides)
        self.out_channels = out_channels
        self.featmap_strides = featmap_strides
        self.fp16_enabled = False  # read and set by 1.x code; without effect here

    @property
    def num_inputs(self) -> int:
        """Number of maps that are used."""
        return len(self.featmap_strides)

    def build_roi_layers(
        self, layer_cfg: Mapping[str, Any], featmap_strides: Sequence[int]
    ) -> nn.ModuleList:
        """Builds the RoI layer of each level."""
        options = dict(layer_cfg)
        name = options.pop("type")
        layer: Any = getattr(ops, name) if isinstance(name, str) and name in ops.__all__ else None
        if layer is None:
            raise ConfigError(f"roi_layer: {name!r} is not an operator of mmcv.ops")
        try:
            check_arguments(layer, options)
        except ArgumentError as error:
            raise ArgumentError(f"roi_layer: {error}") from error
        return nn.ModuleList(
            [layer(spatial_scale=1 / stride, **options) for stride in featmap_strides]
        )

    def roi_rescale(self, rois: Tensor, scale_factor: float) -> Tensor:
        """Scales regions (N, 5) about their centres."""
        cx, cy = (rois[:, 1] + rois[:, 3]) * 0.5, (rois[:, 2] + rois[:, 4]) * 0.5
        half_w = (rois[:, 3] - rois[:, 1]) * scale_factor * 0.5
        half_h = (rois[:, 4] - rois[:, 2]) * scale_factor * 0.5
        return torch.stack((rois[:, 0], cx - half_w, cy - half_h, cx + half_w, cy + half_h), dim=-1)

    def _pool(self, level: int, feat: Tensor, rois: Tensor) -> Tensor:
        """Pools regions (N, 5) from one map, in float32, and returns the dtype of the map."""
        return self.roi_layers[level](feat.float(), rois.float()).to(feat.dtype)

    @abstractmethod
    def forward(
        self, feats: Sequence[Tensor], rois: Tensor, roi_scale_factor: float | None = None
    ) -> Tensor:
        """Returns the features (N, out_channels, h, w) of regions (N, 5)."""
