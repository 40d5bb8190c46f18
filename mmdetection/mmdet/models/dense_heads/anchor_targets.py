"""What anchors should predict: the targets of anchor-based heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes import anchor_inside_flags, images_to_levels, multi_apply, unmap

Cfg = Mapping[str, Any]


class AnchorTargets:
    """The part of :class:`AnchorHead` that assigns objects to anchors.

    Legend: N anchors of an image, n anchors of one of its levels, k objects.
    """

    prior_generator: Any
    bbox_coder: Any
    train_cfg: Any
    assigner: Any
    sampler: Any
    sampling: bool
    num_classes: int
    reg_decoded_bbox: bool

    def get_anchors(
        self, featmap_sizes: list[Any], img_metas: list[Cfg], device: Any = "cuda"
    ) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """Returns, per image and level, anchors (n, 4) and whether they are on the padded image.

        Args:
            featmap_sizes: (H, W) of each level.
            img_metas: one dict per image, with ``pad_shape``.
            device: where to make them.
        """
        anchors = self.prior_generator.grid_priors(featmap_sizes, device=device)
        valid_flags = [
            self.prior_generator.valid_flags(featmap_sizes, meta["pad_shape"], device)
            for meta in img_metas
        ]
        return [anchors for _ in img_metas], valid_flags

    def _get_targets_single(
        self,
        flat_anchors: Tensor,
        valid_flags: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None,
        gt_labels: Tensor | None,
        img_meta: Cfg,
        label_channels: int = 1,
        unmap_outputs: bool = True,
    ) -> tuple[Any, ...]:
        """Returns what the anchors (N, 4) of one image should have predicted.

        Returns:
            labels (N,), their weights (N,), box targets (N, 4), their weights (N, 4), indices of
            positive and of negative anchors, and the sampling result; seven times None if no
            anchor lies on the image.
        """
        inside = anchor_inside_flags(
            flat_anchors, valid_flags, img_meta["img_shape"][:2], self.train_cfg.allowed_border
        )
        if not inside.any():
            return (None,) * 7
        anchors = flat_anchors[inside]
        assigned = self.assigner.assign(
            anchors, gt_bboxes, gt_bboxes_ignore, None if self.sampling else gt_labels
        )
        sampled = self.sampler.sample(assigned, anchors, gt_bboxes)
        bbox_targets, bbox_weights = torch.zeros_like(anchors), torch.zeros_like(anchors)
        labels = anchors.new_full((len(anchors),), self.num_classes, dtype=torch.long)
        label_weights = anchors.new_zeros(len(anchors))
        pos, neg = sampled.pos_inds, sampled.neg_inds
        if len(pos):
            bbox_targets[pos] = self._box_targets(sampled)
            bbox_weights[pos] = 1.0
            # Without labels (RPN) an object is class 0, as foreground classes are from 0 on.
            labels[pos] = 0 if gt_labels is None else gt_labels[sampled.pos_assigned_gt_inds]
            weight = self.train_cfg.pos_weight
            label_weights[pos] = 1.0 if weight <= 0 else weight
        label_weights[neg] = 1.0
        if unmap_outputs:
            total = len(flat_anchors)
            labels = unmap(labels, total, inside, fill=self.num_classes)
            label_weights = unmap(label_weights, total, inside)
            bbox_targets = unmap(bbox_targets, total, inside)
            bbox_weights = unmap(bbox_weights, total, inside)
        return labels, label_weights, bbox_targets, bbox_weights, pos, neg, sampled

    def _box_targets(self, sampled: Any) -> Tensor:
        if self.reg_decoded_bbox:
            return sampled.pos_gt_bboxes
        return self.bbox_coder.encode(sampled.pos_bboxes, sampled.pos_gt_bboxes)

    def get_targets(
        self,
        anchor_list: list[list[Tensor]],
        valid_flag_list: list[list[Tensor]],
        gt_bboxes_list: list[Tensor],
        img_metas: list[Cfg],
        gt_bboxes_ignore_list: Sequence[Tensor | None] | None = None,
        gt_labels_list: Sequence[Tensor | None] | None = None,
        label_channels: int = 1,
        unmap_outputs: bool = True,
        return_sampling_results: bool = False,
    ) -> tuple[Any, ...] | None:
        """Returns the targets of a batch, one tensor (B, n, ...) per level.

        Args:
            anchor_list: per image and level (n, 4).
            valid_flag_list: per image and level (n,).
            gt_bboxes_list: per image (k, 4).
            img_metas: one dict per image.
            gt_bboxes_ignore_list: per image boxes to ignore.
            gt_labels_list: per image (k,).
            label_channels: of the labels.
            unmap_outputs: give targets to anchors outside the image too (weight 0).
            return_sampling_results: append the sampling results.

        Returns:
            labels, label weights, box targets, box weights, number of positive and of negative
            anchors, and whatever subclasses add; None if an image has no anchor on it.
        """
        num_imgs = len(img_metas)
        assert len(anchor_list) == len(valid_flag_list) == num_imgs
        num_level_anchors = [len(anchors) for anchors in anchor_list[0]]
        results = multi_apply(
            self._get_targets_single,
            [torch.cat(anchors) for anchors in anchor_list],
            [torch.cat(flags) for flags in valid_flag_list],
            gt_bboxes_list,
            gt_bboxes_ignore_list or [None] * num_imgs,
            gt_labels_list or [None] * num_imgs,
            img_metas,
            label_channels=label_channels,
            unmap_outputs=unmap_outputs,
        )
        *targets, pos_inds, neg_inds, sampled = results[:7]
        if any(labels is None for labels in targets[0]):
            return None
        found: tuple[Any, ...] = (
            *(images_to_levels(target, num_level_anchors) for target in targets),
            sum(max(inds.numel(), 1) for inds in pos_inds),
            sum(max(inds.numel(), 1) for inds in neg_inds),
        )
        if return_sampling_results:
            found += (sampled,)
        return found + tuple(images_to_levels(rest, num_level_anchors) for rest in results[7:])
