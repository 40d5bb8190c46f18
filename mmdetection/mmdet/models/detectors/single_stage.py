"""Detectors whose only head works on the whole maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from mmdet.boxes import bbox2result
from mmdet.models.builder import build
from mmdet.models.detectors.base import BaseDetector, Metas
from mmdet.models.numerics import as_config
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class SingleStageDetector(BaseDetector):
    """Backbone, optional neck and one dense head; keys ``backbone.``, ``neck.``, ``bbox_head.``.

    Args:
        backbone: returns maps (B, C_i, H / s_i, W / s_i).
        neck: maps between backbone and head.
        bbox_head: a dense head.
        train_cfg: passed to the head.
        test_cfg: passed to the head.
        pretrained: weights of the backbone; the older place of ``backbone.pretrained``.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        backbone: Cfg,
        neck: Any = None,
        bbox_head: Cfg | None = None,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self._build_trunk(backbone, neck, pretrained)
        self.train_cfg, self.test_cfg = as_config(train_cfg), as_config(test_cfg)
        self.bbox_head: Any = build(
            bbox_head, dict(train_cfg=self.train_cfg, test_cfg=self.test_cfg)
        )

    def forward_dummy(self, img: Tensor) -> Any:
        """Returns the head's maps for ``img`` (B, 3, H, W); for counting operations."""
        return self.bbox_head(self.extract_feat(img))

    def forward_train(
        self,
        img: Tensor,
        img_metas: Metas,
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns the losses by name.

        Args:
            img: (B, 3, H, W) normalised.
            img_metas: one dict per image.
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            gt_bboxes_ignore: per image boxes that are neither object nor background.
        """
        super().forward_train(img, img_metas)
        x = self.extract_feat(img)
        return self.bbox_head.forward_train(x, img_metas, gt_bboxes, gt_labels, gt_bboxes_ignore)

    def simple_test(
        self, img: Tensor, img_metas: list[Any], rescale: bool = False
    ) -> list[list[np.ndarray]]:
        """Returns per image and class boxes (n, 5) with scores."""
        results = self.bbox_head.simple_test(self.extract_feat(img), img_metas, rescale=rescale)
        return self._per_class(results)

    def aug_test(
        self, imgs: list[Tensor], img_metas: list[Any], rescale: bool = False
    ) -> list[list[np.ndarray]]:
        """Returns the same as ``simple_test``, from several views of one image."""
        if not hasattr(self.bbox_head, "aug_test"):
            name = type(self.bbox_head).__name__
            raise AssertionError(f"{name} does not support test-time augmentation")
        feats = self.extract_feats(imgs)
        return self._per_class(self.bbox_head.aug_test(feats, img_metas, rescale=rescale))

    def _per_class(self, results: list[Any]) -> list[list[np.ndarray]]:
        num_classes = self.bbox_head.num_classes
        return [bbox2result(boxes, labels, num_classes) for boxes, labels in results]
