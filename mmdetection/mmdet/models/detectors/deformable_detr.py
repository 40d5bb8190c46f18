"""Deformable DETR (Zhu et al., 2020, arXiv:2010.04159)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.models.detectors.detr import DETR
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class DeformableDETR(DETR):
    """A backbone, a neck and a head of queries.

    Args:
        backbone: returns maps (B, C_i, H / s_i, W / s_i).
        neck: gives them the channels of the transformer.
        bbox_head: the head.
        kwargs: of ``SingleStageDetector``.
    """

    def __init__(
        self, backbone: Cfg, neck: Any = None, bbox_head: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(backbone, bbox_head, *args, neck=neck, **kwargs)
