"""Detectors that propose regions first and look at each of them then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdet.models.builder import build
from mmdet.models.detectors.base import BaseDetector, Metas
from mmdet.models.numerics import as_config
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class TwoStageDetector(BaseDetector):
    """Backbone, neck, RPN and RoI heads; keys ``backbone. neck. rpn_head. roi_head.``.

    Args:
        backbone: returns maps (B, C_i, H / s_i, W / s_i).
        neck: maps between backbone and heads.
        rpn_head: proposes regions; without it they come with the batch.
        roi_head: predicts from the features of each region.
        train_cfg: ``rpn``, ``rpn_proposal`` and ``rcnn``.
        test_cfg: ``rpn`` and ``rcnn``.
        pretrained: weights of the backbone; the older place of ``backbone.pretrained``.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        backbone: Cfg,
        neck: Any = None,
        rpn_head: Cfg | None = None,
        roi_head: Cfg | None = None,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self._build_trunk(backbone, neck, pretrained)
        self.train_cfg, self.test_cfg = as_config(train_cfg), as_config(test_cfg)
        self.rpn_head: Any = None
        self.roi_head: Any = None
        if rpn_head is not None:
            self.rpn_head = build(rpn_head, self._section("rpn"))
        if roi_head is not None:
            given = self._section("rcnn")
            if pretrained is not None:
                given["pretrained"] = pretrained
            self.roi_head = build(roi_head, given)

    def _section(self, name: str) -> dict[str, Any]:
        """Returns the part of ``train_cfg`` and ``test_cfg`` that a head gets."""
        return dict(
            train_cfg=self.train_cfg[name] if self.train_cfg is not None else None,
            test_cfg=self.test_cfg[name] if self.test_cfg is not None else None,
        )

    @property
    def with_rpn(self) -> bool:
        """Whether the detector proposes regions itself."""
        return getattr(self, "rpn_head", None) is not None

    @property
    def with_roi_head(self) -> bool:
        """Whether there is a second stage."""
        return getattr(self, "roi_head", None) is not None

    def forward_dummy(self, img: Tensor) -> tuple[Any, ...]:
        """Returns the raw outputs of all heads, for 1000 random regions; to count operations."""
        x = self.extract_feat(img)
        outs: tuple[Any, ...] = (self.rpn_head(x),) if self.with_rpn else ()
        proposals = torch.randn(1000, 4).to(img.device)
        return (*outs, self.roi_head.forward_dummy(x, proposals))

    def forward_train(
        self,
        img: Tensor,
        img_metas: Metas,
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
        gt_masks: list[Any] | None = None,
        proposals: list[Tensor] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the losses of all heads by name.

        Args:
            img: (B, 3, H, W) normalised.
            img_metas: one dict per image.
            gt_bboxes: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels: per image (k,).
            gt_bboxes_ignore: per image boxes that are neither object nor background.
            gt_masks: per image the masks of its objects.
            proposals: per image (n, 4) or (n, 5); used without an RPN.
            **kwargs: further targets, such as ``gt_semantic_seg``.
        """
        super().forward_train(img, img_metas)
        x = self.extract_feat(img)
        losses: dict[str, Any] = {}
        if self.with_rpn:
            proposal_cfg = self.train_cfg.get("rpn_proposal", self.test_cfg.rpn)
            rpn_losses, proposals = self.rpn_head.forward_train(
                x,
                img_metas,
                gt_bboxes,
                gt_labels=None,
                gt_bboxes_ignore=gt_bboxes_ignore,
                proposal_cfg=proposal_cfg,
                **kwargs,
            )
            losses.update(rpn_losses)
        roi_losses = self.roi_head.forward_train(
            x, img_metas, proposals, gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks, **kwargs
        )
        losses.update(roi_losses)
        return losses

    def simple_test(
        self,
        img: Tensor,
        img_metas: list[Any],
        proposals: list[Tensor] | None = None,
        rescale: bool = False,
    ) -> list[Any]:
        """Returns per image the boxes (n, 5) of each class, or a tuple of these and the masks.

        Args:
            img: (B, 3, H, W).
            img_metas: one dict per image.
            proposals: per image (n, 4) or (n, 5), instead of the RPN's.
            rescale: give boxes and masks the size of the original image.
        """
        assert self.with_bbox, "a box head is needed"
        x = self.extract_feat(img)
        if proposals is None:
            proposals = self.rpn_head.simple_test_rpn(x, img_metas)
        return self.roi_head.simple_test(x, proposals, img_metas, rescale=rescale)

    def aug_test(
        self, imgs: list[Tensor], img_metas: list[Any], rescale: bool = False
    ) -> list[Any]:
        """Returns the same as ``simple_test``, from several views of one image.

        Without ``rescale``, boxes and masks have the size of the first view.
        """
        x = self.extract_feats(imgs)
        proposals = self.rpn_head.aug_test_rpn(x, img_metas)
        return self.roi_head.aug_test(x, proposals, img_metas, rescale=rescale)
