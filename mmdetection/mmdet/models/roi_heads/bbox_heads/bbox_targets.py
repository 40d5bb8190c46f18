"""What regions should predict: the targets of box heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes import multi_apply


class BBoxTargets:
    """The part of :class:`BBoxHead` that turns sampled regions into targets."""

    bbox_coder: Any
    num_classes: int
    reg_decoded_bbox: bool

    def _get_target_single(
        self,
        pos_bboxes: Tensor,
        neg_bboxes: Tensor,
        pos_gt_bboxes: Tensor,
        pos_gt_labels: Tensor,
        cfg: Any,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns labels (n,), their weights (n,), box targets (n, 4) and their weights (n, 4).

        Args:
            pos_bboxes: (p, 4) sampled boxes that are objects; they come first.
            neg_bboxes: (n - p, 4) sampled boxes of the background.
            pos_gt_bboxes: (p, 4) the objects.
            pos_gt_labels: (p,) their classes.
            cfg: ``pos_weight``.
        """
        num_pos, num_neg = len(pos_bboxes), len(neg_bboxes)
        total = num_pos + num_neg
        labels = pos_bboxes.new_full((total,), self.num_classes, dtype=torch.long)
        label_weights = pos_bboxes.new_zeros(total)
        bbox_targets, bbox_weights = pos_bboxes.new_zeros(total, 4), pos_bboxes.new_zeros(total, 4)
        if num_pos:
            labels[:num_pos] = pos_gt_labels
            label_weights[:num_pos] = 1.0 if cfg.pos_weight <= 0 else cfg.pos_weight
            is_decoded = self.reg_decoded_bbox
            bbox_targets[:num_pos] = (
                pos_gt_bboxes if is_decoded else self.bbox_coder.encode(pos_bboxes, pos_gt_bboxes)
            )
            bbox_weights[:num_pos] = 1
        if num_neg:
            label_weights[-num_neg:] = 1.0
        return labels, label_weights, bbox_targets, bbox_weights

    def get_targets(
        self,
        sampling_results: Sequence[Any],
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor],
        rcnn_train_cfg: Any,
        concat: bool = True,
    ) -> tuple[Any, ...]:
        """Returns what the sampled regions should have predicted; see ``_get_target_single``.

        Args:
            sampling_results: one for each image.
            gt_bboxes: not used: the sampling results have the objects.
            gt_labels: likewise.
            rcnn_train_cfg: ``pos_weight``.
            concat: join the images.
        """
        targets = multi_apply(
            self._get_target_single,
            [res.pos_bboxes for res in sampling_results],
            [res.neg_bboxes for res in sampling_results],
            [res.pos_gt_bboxes for res in sampling_results],
            [res.pos_gt_labels for res in sampling_results],
            cfg=rcnn_train_cfg,
        )
        return tuple(torch.cat(target, 0) for target in targets) if concat else tuple(targets)
