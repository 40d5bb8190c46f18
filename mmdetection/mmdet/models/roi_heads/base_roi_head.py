"""What heads on regions share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mmcv.model import BaseModule
from mmdet.models.builder import build
from mmdet.models.numerics import as_config

Cfg = Mapping[str, Any]


class BaseRoIHead(BaseModule):
    """Base of RoI heads; keys ``shared_head. bbox_roi_extractor. bbox_head. mask_…``.

    Args:
        bbox_roi_extractor: cuts out features for boxes.
        bbox_head: predicts classes and boxes.
        mask_roi_extractor: cuts out features for masks; None: masks use those of the boxes.
        mask_head: predicts masks.
        shared_head: layers before both heads.
        train_cfg: ``assigner``, ``sampler``, ``pos_weight``, ``mask_size``.
        test_cfg: ``score_thr``, ``nms``, ``max_per_img``, ``mask_thr_binary``.
        pretrained: weights of the shared head; the older place of its own.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        bbox_roi_extractor: Any = None,
        bbox_head: Any = None,
        mask_roi_extractor: Any = None,
        mask_head: Any = None,
        shared_head: Cfg | None = None,
        train_cfg: Any = None,
        test_cfg: Any = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if isinstance(train_cfg, (list, tuple)):
            self.train_cfg: Any = [as_config(cfg) for cfg in train_cfg]
        else:
            self.train_cfg = as_config(train_cfg)
        self.test_cfg: Any = as_config(test_cfg)
        if shared_head is not None:
            given = None if pretrained is None else {"pretrained": pretrained}
            self.shared_head = build(shared_head, given)
        if bbox_head is not None:
            self.init_bbox_head(bbox_roi_extractor, bbox_head)
        if mask_head is not None:
            self.init_mask_head(mask_roi_extractor, mask_head)
        self.init_assigner_sampler()

    @property
    def with_bbox(self) -> bool:
        """Whether there is a head for boxes."""
        return getattr(self, "bbox_head", None) is not None

    @property
    def with_mask(self) -> bool:
        """Whether there is a head for masks."""
        return getattr(self, "mask_head", None) is not None

    @property
    def with_shared_head(self) -> bool:
        """Whether the heads share layers."""
        return getattr(self, "shared_head", None) is not None

    @abstractmethod
    def init_bbox_head(self, bbox_roi_extractor: Any, bbox_head: Any) -> None:
        """Builds the parts for boxes."""

    @abstractmethod
    def init_mask_head(self, mask_roi_extractor: Any, mask_head: Any) -> None:
        """Builds the parts for masks."""

    @abstractmethod
    def init_assigner_sampler(self) -> None:
        """Builds what chooses the regions for training."""

    @abstractmethod
    def forward_train(
        self,
        x: Sequence[Tensor],
        img_metas: list[Cfg],
        proposal_list: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        gt_bboxes_ignore: list[Tensor] | None = None,
        gt_masks: list[Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the losses by name.

        Args:
            x: maps of the pyramid.
            img_metas: one dict per image.
            proposal_list: per image (n, 4) or (n, 5).
            gt_bboxes: per image (k, 4).
            gt_labels: per image (k,).
            gt_bboxes_ignore: per image boxes that are neither object nor background.
            gt_masks: per image the masks of its objects.
            **kwargs: further targets.
        """

    @abstractmethod
    def simple_test(
        self,
        x: Sequence[Tensor],
        proposal_list: list[Tensor],
        img_metas: list[Cfg],
        proposals: Any = None,
        rescale: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Returns per image the boxes (n, 5) of each class, or a tuple of these and the masks."""

    @abstractmethod
    def aug_test(
        self,
        x: Sequence[Sequence[Tensor]],
        proposal_list: list[Tensor],
        img_metas: list[list[Cfg]],
        rescale: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Returns the same from several views of one image."""


def sample_regions(
    assigner: Any,
    sampler: Any,
    x: Sequence[Tensor],
    proposal_list: list[Tensor],
    gt_bboxes: list[Tensor],
    gt_labels: list[Tensor],
    gt_bboxes_ignore: Sequence[Tensor | None] | None,
) -> list[Any]:
    """Returns one sampling result for each image; arguments as in ``forward_train``."""
    ignored = gt_bboxes_ignore or [None] * len(proposal_list)
    results = []
    for i, proposals in enumerate(proposal_list):
        assigned = assigner.assign(proposals, gt_bboxes[i], ignored[i], gt_labels[i])
        feats = [level[i][None] for level in x]
        results.append(sampler.sample(assigned, proposals, gt_bboxes[i], gt_labels[i], feats=feats))
    return results
