"""Denoising queries: ground truths with noise, which the decoder shall clean (arXiv:2203.01305)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.model import BaseModule
from mmdet.boxes.transforms import bbox_cxcywh_to_xyxy, bbox_xyxy_to_cxcywh
from mmdet.models.utils.dino_transformer import LOGIT_EPS
from mmdet.models.utils.reference_points import inverse_sigmoid
from mmdet.registry import MODELS, ModelConfigError


@MODELS.register_module()
class DnQueryGenerator(BaseModule):
    """Makes groups of queries, each with two noisy copies of every object: near and far ones.

    The layout along the query axis is group by group; within a group first ``max_gts`` positive
    (near) queries, then as many negative (far) ones; images with fewer objects are padded.

    Args:
        num_queries: matching queries behind the denoising ones.
        hidden_dim: channels of a query.
        num_classes: of the labels.
        noise_scale: ``label``: twice the probability of another label; ``box``: how far sides move,
            as a share of half the box.
        group_cfg: ``dynamic`` with ``num_dn_queries``: as many groups as fill that number for the
            image with most objects; else ``num_groups``.
    """

    def __init__(
        self,
        num_queries: int,
        hidden_dim: int,
        num_classes: int,
        noise_scale: Mapping[str, float] = dict(label=0.5, box=0.4),  # read only
        group_cfg: Mapping[str, Any] = dict(  # read only
            dynamic=True, num_groups=None, num_dn_queries=None
        ),
    ) -> None:
        super().__init__()
        self.num_queries = num_queries
        self.hidden_dim = hidden_dim
        self.num_classes = num_classes
        self.label_noise_scale = noise_scale["label"]
        self.box_noise_scale = noise_scale["box"]
        self.dynamic_dn_groups = group_cfg.get("dynamic", False)
        key = "num_dn_queries" if self.dynamic_dn_groups else "num_groups"
        self.num_dn: Any = group_cfg.get(key)
        if not isinstance(self.num_dn, int) or self.num_dn < 1:
            raise ModelConfigError(
                f"dn_cfg.group_cfg: {key} must be a positive int, but got {self.num_dn!r}"
            )

    def get_num_groups(self, group_queries: int | None = None) -> int:
        """Returns the number of groups, at least 1, for ``group_queries`` objects in an image."""
        if not self.dynamic_dn_groups:
            return self.num_dn
        assert group_queries is not None, (
            "group_queries should be provided when using dynamic groups"
        )
        return max(self.num_dn // group_queries, 1) if group_queries else 1

    def forward(
        self,
        gt_bboxes: Sequence[Tensor],
        gt_labels: Sequence[Tensor] | None = None,
        label_enc: nn.Module | None = None,
        img_metas: Sequence[Any] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, dict[str, int]]:
        """Makes the queries of a batch.

        Args:
            gt_bboxes: per image (n, 4) x1 y1 x2 y2 in pixels.
            gt_labels: per image (n,).
            label_enc: embeds labels.
            img_metas: one dict per image; ``img_shape`` is used.

        Returns:
            (B, D, C) contents; (B, D, 4) boxes cx cy w h before the sigmoid; (D + Q, D + Q) bool,
            True where self attention is forbidden; ``pad_size`` D and ``num_dn_group``.
        """
        assert gt_labels is not None and label_enc is not None and img_metas is not None
        counts = [len(labels) for labels in gt_labels]
        boxes = torch.cat(
            [
                bbox_xyxy_to_cxcywh(bboxes.float()) / image_factor(bboxes.float(), meta)
                for bboxes, meta in zip(gt_bboxes, img_metas, strict=True)
            ]
        )
        labels = torch.cat(list(gt_labels))
        slots = max(counts)
        groups = self.get_num_groups(slots)
        copies = 2 * groups
        images, places = self._places(counts, copies, labels.device)
        contents = label_enc(self._noisy_labels(labels.repeat(copies)))
        noisy = inverse_sigmoid(self._noisy_boxes(boxes, groups), eps=LOGIT_EPS)
        pad_size = slots * copies
        query_labels = contents.new_zeros(len(counts), pad_size, self.hidden_dim)
        query_boxes = noisy.new_zeros(len(counts), pad_size, 4)
        query_labels = query_labels.index_put((images, places), contents)
        query_boxes = query_boxes.index_put((images, places), noisy)
        mask = self._attention_mask(slots * 2, groups, labels.device)
        return query_labels, query_boxes, mask, dict(pad_size=pad_size, num_dn_group=groups)

    def _places(
        self, counts: list[int], copies: int, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Returns the image and the place in the query axis of every copy of every object."""
        images = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
        within = torch.cat([torch.arange(count) for count in counts])
        starts = torch.arange(copies)[:, None] * max(counts)
        return images.repeat(copies).to(device), (within + starts).flatten().to(device)

    def _noisy_labels(self, labels: Tensor) -> Tensor:
        """Replaces some labels by random ones, which may be the right ones again."""
        if self.label_noise_scale <= 0:
            return labels
        chance = torch.rand_like(labels, dtype=torch.float32)
        chosen = (chance < self.label_noise_scale * 0.5).nonzero().view(-1)
        return labels.scatter(0, chosen, torch.randint_like(chosen, 0, self.num_classes))

    def _noisy_boxes(self, boxes: Tensor, groups: int) -> Tensor:
        """Returns (2 * groups * n, 4): in turn n near and n far copies of boxes (n, 4)."""
        boxes = boxes.repeat(2 * groups, 1)
        if self.box_noise_scale <= 0:
            return boxes
        half = boxes[:, 2:].repeat(1, 2) / 2
        sign = torch.randint_like(boxes, low=0, high=2, dtype=torch.float32) * 2.0 - 1.0
        part = torch.rand_like(boxes)
        # The far copies' sides move by more than the near ones' may.
        part.view(groups, 2, len(part) // (2 * groups), 4)[:, 1] += 1.0
        corners = bbox_cxcywh_to_xyxy(boxes) + part * sign * half * self.box_noise_scale
        return bbox_xyxy_to_cxcywh(corners.clamp(min=0.0, max=1.0))

    def _attention_mask(self, group_size: int, groups: int, device: torch.device) -> Tensor:
        """Hides groups from each other, and all of them from the matching queries."""
        pad_size = group_size * groups
        total = pad_size + self.num_queries
        # Matching queries are group -1: everybody sees them, they see only each other.
        group = torch.full((total,), -1, device=device)
        group[:pad_size] = torch.arange(groups, device=device).repeat_interleave(group_size)
        return (group[None] != -1) & (group[None] != group[:, None])


@MODELS.register_module()
class CdnQueryGenerator(DnQueryGenerator):
    """Contrastive denoising: the name under which DINO's configs ask for the generator."""


def build_dn_generator(dn_args: Mapping[str, Any] | None) -> DnQueryGenerator | None:
    """Builds the generator of denoising queries that a head's ``dn_cfg`` describes."""
    if dn_args is None:
        return None
    if dn_args.get("type") not in ("DnQueryGenerator", "CdnQueryGenerator"):
        raise NotImplementedError(
            f"dn_cfg.type must be DnQueryGenerator or CdnQueryGenerator, but is"
            f" {dn_args.get('type')!r}"
        )
    return MODELS.build(dn_args)


def image_factor(boxes: Tensor, img_meta: Mapping[str, Any]) -> Tensor:
    """Returns (4,) width, height, width, height of an image, like ``boxes``."""
    height, width = img_meta["img_shape"][:2]
    return boxes.new_tensor([width, height, width, height])
