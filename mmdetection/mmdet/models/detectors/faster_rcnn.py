"""Faster R-CNN (Ren et al., 2015, arXiv:1506.01497)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class FasterRCNN(TwoStageDetector):
    """A two-stage detector under the name of its paper; see :class:`TwoStageDetector`."""

    def __init__(
        self,
        backbone: Cfg,
        rpn_head: Cfg,
        roi_head: Cfg,
        train_cfg: Cfg | None,
        test_cfg: Cfg,
        neck: Any = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(
            backbone, neck, rpn_head, roi_head, train_cfg, test_cfg, pretrained, init_cfg
        )
