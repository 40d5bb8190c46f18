"""ResNets with the defaults of detection: running statistics of norms stay as pretrained."""

from __future__ import annotations

from typing import Any

import mmcv.backbones as shared
from mmcv.backbones.resnet_blocks import BasicBlock, Bottleneck, ResLayer
from mmdet.registry import MODELS

__all__ = ["BasicBlock", "Bottleneck", "ResLayer", "ResNet", "ResNetV1d"]

DEFAULTS = dict(stem_channels=None, norm_eval=True)


@MODELS.register_module()
class ResNet(shared.ResNet):
    """:class:`mmcv.backbones.ResNet` with ``norm_eval=True``."""

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(depth, **{**DEFAULTS, **kwargs})


@MODELS.register_module()
class ResNetV1d(shared.ResNetV1d):
    """:class:`mmcv.backbones.ResNetV1d` with ``norm_eval=True``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**DEFAULTS, **kwargs})
