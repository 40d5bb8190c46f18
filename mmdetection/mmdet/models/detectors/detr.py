"""DETR (Carion et al., 2020, arXiv:2005.12872)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class DETR(SingleStageDetector):
    """A backbone and a head of queries; arguments as in :class:`SingleStageDetector`."""

    def __init__(
        self,
        backbone: Cfg,
        bbox_head: Cfg,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
        neck: Any = None,
    ) -> None:
        super().__init__(backbone, neck, bbox_head, train_cfg, test_cfg, pretrained, init_cfg)

    def forward_dummy(self, img: Tensor) -> Any:
        """Returns the head's outputs for unpadded images ``img`` (B, 3, H, W)."""
        batch, _, height, width = img.shape
        meta = dict(
            batch_input_shape=(height, width),
            img_shape=(height, width, 3),
            scale_factor=(1.0, 1.0, 1.0, 1.0),
        )
        return self.bbox_head(self.extract_feat(img), [meta] * batch)
