"""Cascade R-CNN (Cai and Vasconcelos, 2017, arXiv:1712.00726)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.registry import MODELS


@MODELS.register_module()
class CascadeRCNN(TwoStageDetector):
    """A two-stage detector with a :class:`CascadeRoIHead`; ``train_cfg.rcnn`` is a list."""

    def __init__(
        self,
        backbone: Mapping[str, Any],
        neck: Any = None,
        rpn_head: Mapping[str, Any] | None = None,
        roi_head: Mapping[str, Any] | None = None,
        train_cfg: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(
            backbone, neck, rpn_head, roi_head, train_cfg, test_cfg, pretrained, init_cfg
        )
