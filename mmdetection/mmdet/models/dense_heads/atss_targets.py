"""Targets of heads whose assigner looks at each level by itself (ATSS, GFL)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes import anchor_inside_flags, images_to_levels, multi_apply, reduce_mean, unmap
from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.numerics import zero_loss

Cfg = Mapping[str, Any]


class ATSSTargetHead(AnchorHead):
    """An anchor head whose assigner needs the number of anchors of each level."""

    def _matched(
        self,
        cls_scores: list[Tensor],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore: list[Tensor] | None,
    ) -> tuple[list[Any], float] | None:
        """Returns the targets of a batch.

        Returns:
            Per level the anchors, labels, label weights and box targets, and the average number of
            positives per process, at least 1; None if an image has no anchor on it.
        """
        sizes = [score.shape[-2:] for score in cls_scores]
        assert len(sizes) == self.prior_generator.num_levels
        device = cls_scores[0].device
        anchor_list, valid_flag_list = self.get_anchors(sizes, img_metas, device=device)
        targets = self.get_targets(
            anchor_list,
            valid_flag_list,
            gt_bboxes,
            img_metas,
            gt_bboxes_ignore_list=gt_bboxes_ignore,
            gt_labels_list=gt_labels,
            label_channels=self.cls_out_channels if self.use_sigmoid_cls else 1,
        )
        if targets is None:
            return None
        *per_level, _, num_pos, _ = targets
        average = reduce_mean(torch.tensor(num_pos, dtype=torch.float, device=device))
        return per_level, max(float(average), 1.0)

    def get_targets(  # type: ignore[override]
        self,
        anchor_list: list[list[Tensor]],
        valid_flag_list: list[list[Tensor]],
        gt_bboxes_list: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore_list: Sequence[Tensor | None] | None = None,
        gt_labels_list: Sequence[Tensor | None] | None = None,
        label_channels: int = 1,
        unmap_outputs: bool = True,
    ) -> tuple[Any, ...] | None:
        """Returns the targets of a batch; arguments as in :class:`AnchorHead`.

        Returns:
            Per level anchors (B, n, 4), labels (B, n), their weights, box targets (B, n, 4), their
            weights; and the numbers of positive and of negative anchors. None if an image has no
            anchor on it.
        """
        num_imgs = len(img_metas)
        assert len(anchor_list) == len(valid_flag_list) == num_imgs
        num_level_anchors = [len(anchors) for anchors in anchor_list[0]]
        *targets, pos_inds, neg_inds = multi_apply(
            self._get_target_single,
            [torch.cat(anchors) for anchors in anchor_list],
            [torch.cat(flags) for flags in valid_flag_list],
            [num_level_anchors] * num_imgs,
            gt_bboxes_list,
            gt_bboxes_ignore_list or [None] * num_imgs,
            gt_labels_list or [None] * num_imgs,
            img_metas,
            label_channels=label_channels,
            unmap_outputs=unmap_outputs,
        )
        if any(labels is None for labels in targets[1]):
            return None
        return (
            *(images_to_levels(target, num_level_anchors) for target in targets),
            sum(max(inds.numel(), 1) for inds in pos_inds),
            sum(max(inds.numel(), 1) for inds in neg_inds),
        )

    def _get_target_single(
        self,
        flat_anchors: Tensor,
        valid_flags: Tensor,
        num_level_anchors: list[int],
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None,
        gt_labels: Tensor | None,
        img_meta: Cfg,
        label_channels: int = 1,
        unmap_outputs: bool = True,
    ) -> tuple[Any, ...]:
        """Returns anchors and targets of one image, and where positives and negatives are."""
        inside = anchor_inside_flags(
            flat_anchors, valid_flags, img_meta["img_shape"][:2], self.train_cfg.allowed_border
        )
        if not inside.any():
            return (None,) * 7
        anchors = flat_anchors[inside]
        counts = self.get_num_level_anchors_inside(num_level_anchors, inside)
        assigned = self.assigner.assign(anchors, counts, gt_bboxes, gt_bboxes_ignore, gt_labels)
        sampled = self.sampler.sample(assigned, anchors, gt_bboxes)
        pos, neg = sampled.pos_inds, sampled.neg_inds
        labels = anchors.new_full((len(anchors),), self.num_classes, dtype=torch.long)
        label_weights = anchors.new_zeros(len(anchors))
        bbox_targets, bbox_weights = torch.zeros_like(anchors), torch.zeros_like(anchors)
        if len(pos):
            bbox_targets[pos] = self._box_targets(sampled)
            bbox_weights[pos] = 1.0
            labels[pos] = 0 if gt_labels is None else gt_labels[sampled.pos_assigned_gt_inds]
            weight = self.train_cfg.pos_weight
            label_weights[pos] = 1.0 if weight <= 0 else weight
        label_weights[neg] = 1.0
        targets = [anchors, labels, label_weights, bbox_targets, bbox_weights]
        if unmap_outputs:
            fills = (0, self.num_classes, 0, 0, 0)
            total = len(flat_anchors)
            targets = [unmap(t, total, inside, f) for t, f in zip(targets, fills, strict=True)]
        return (*targets, pos, neg)

    @staticmethod
    def get_num_level_anchors_inside(num_level_anchors: list[int], inside_flags: Tensor) -> list:
        """Returns the number of flagged anchors of each level."""
        return [int(flags.sum()) for flags in inside_flags.split(num_level_anchors)]

    @staticmethod
    def _nothing(**outputs: list[Tensor]) -> dict[str, list[Tensor]]:
        """Returns losses of 0, with a graph, for each level."""
        return {name: [zero_loss(x) for x in levels] for name, levels in outputs.items()}
