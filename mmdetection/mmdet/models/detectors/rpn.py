"""The region proposal network as a detector of its own: proposals are the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from mmdet.boxes import bbox_mapping
from mmdet.models.builder import build
from mmdet.models.detectors.base import BaseDetector, Metas
from mmdet.models.numerics import as_config
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class RPN(BaseDetector):
    """Backbone, neck and RPN head; arguments as in :class:`TwoStageDetector`."""

    def __init__(
        self,
        backbone: Cfg,
        neck: Any,
        rpn_head: Cfg,
        train_cfg: Cfg | None,
        test_cfg: Cfg,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self._build_trunk(backbone, neck, pretrained)
        self.train_cfg, self.test_cfg = as_config(train_cfg), as_config(test_cfg)
        rpn_train_cfg = self.train_cfg.rpn if self.train_cfg is not None else None
        given = dict(train_cfg=rpn_train_cfg, test_cfg=self.test_cfg.rpn)
        self.rpn_head: Any = build(rpn_head, given)

    def forward_dummy(self, img: Tensor) -> Any:
        """Returns the head's maps for ``img`` (B, 3, H, W)."""
        return self.rpn_head(self.extract_feat(img))

    def forward_train(
        self,
        img: Tensor,
        img_metas: Metas,
        gt_bboxes: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Returns the losses by name; arguments as in :class:`TwoStageDetector`."""
        super().forward_train(img, img_metas)
        x = self.extract_feat(img)
        return self.rpn_head.forward_train(x, img_metas, gt_bboxes, None, gt_bboxes_ignore)

    def simple_test(
        self, img: Tensor, img_metas: list[Any], rescale: bool = False
    ) -> list[np.ndarray]:
        """Returns per image proposals (n, 5) with scores."""
        proposals = self.rpn_head.simple_test_rpn(self.extract_feat(img), img_metas)
        if rescale:
            for boxes, meta in zip(proposals, img_metas, strict=True):
                boxes[:, :4] /= boxes.new_tensor(meta["scale_factor"])
        return [boxes.cpu().numpy() for boxes in proposals]

    def aug_test(
        self, imgs: list[Tensor], img_metas: list[Any], rescale: bool = False
    ) -> list[np.ndarray]:
        """Returns the same as ``simple_test``, merged from several views."""
        proposals = self.rpn_head.aug_test_rpn(self.extract_feats(imgs), img_metas)
        if not rescale:
            for boxes, meta in zip(proposals, img_metas[0], strict=True):
                view = (meta["img_shape"], meta["scale_factor"], meta["flip"])
                boxes[:, :4] = bbox_mapping(boxes[:, :4], *view, meta["flip_direction"])
        return [boxes.cpu().numpy() for boxes in proposals]

    def show_result(  # type: ignore[override]  # proposals have no classes
        self, data: Any, result: np.ndarray, top_k: int = 20, **kwargs: Any
    ) -> Any:
        """Draws the first ``top_k`` proposals (n, 5) on an image.

        Args:
            data: file or (H, W, 3) BGR.
            result: proposals.
            top_k: how many.
            **kwargs: further arguments of ``mmcv.visualization.imshow_bboxes``; those of
                other detectors' ``show_result`` have no effect.
        """
        from mmcv.visualization import imshow_bboxes

        known = ("thickness", "show", "win_name", "wait_time", "out_file")
        options = {key: value for key, value in kwargs.items() if key in known}
        return imshow_bboxes(data, result, colors="green", top_k=top_k, **options)
