"""Joins what a model said of several scaled and flipped versions of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv.ops import nms
from mmdet.boxes.transforms import bbox_mapping_back

Meta = Mapping[str, Any]
FLIPPED_AXES = {"horizontal": (3,), "vertical": (2,), "diagonal": (2, 3)}


def _to_original(boxes: Tensor, meta: Meta) -> Tensor:
    return bbox_mapping_back(
        boxes,
        meta["img_shape"],
        meta["scale_factor"],
        meta["flip"],
        meta.get("flip_direction") or "horizontal",
    )


def merge_aug_proposals(
    aug_proposals: Sequence[Tensor], img_metas: Sequence[Meta], cfg: Any
) -> Tensor:
    """Joins proposals and suppresses duplicates.

    Args:
        aug_proposals: (n, 5) boxes with scores, of each version.
        img_metas: of each version.
        cfg: ``nms=dict(iou_threshold=…)`` and ``max_per_img``; ``nms_thr`` and ``max_num`` are
            older names of the two.

    Returns:
        (K, 5) in pixels of the original image, scores in descending order.
    """
    threshold, number = _suppression(cfg)
    proposals = torch.cat(
        [
            torch.cat([_to_original(boxes[:, :4], meta), boxes[:, 4:]], dim=1)
            for boxes, meta in zip(aug_proposals, img_metas, strict=True)
        ]
    )
    merged, _ = nms(proposals[:, :4].contiguous(), proposals[:, -1].contiguous(), threshold)
    order = merged[:, 4].sort(0, descending=True)[1][:number]
    return merged[order]


def _suppression(cfg: Any) -> tuple[float, int]:
    given, older = cfg.get("nms"), cfg.get("nms_thr")
    threshold = older if given is None else given["iou_threshold"]
    assert threshold is not None, "test_cfg.rpn needs nms=dict(type='nms', iou_threshold=...)"
    assert older in (None, threshold), (
        f"nms.iou_threshold={threshold} and nms_thr={older} are two values for one setting"
    )
    number, older = cfg.get("max_per_img", cfg.get("max_num")), cfg.get("max_num")
    assert number is not None, "test_cfg.rpn needs max_per_img"
    assert older in (None, number), (
        f"max_per_img={number} and max_num={older} are two values for one setting"
    )
    return threshold, number


def merge_aug_bboxes(
    aug_bboxes: Sequence[Tensor],
    aug_scores: Sequence[Tensor] | None,
    img_metas: Sequence[Sequence[Meta]],
    rcnn_test_cfg: Any,
) -> Any:
    """Averages boxes (n, 4k), and scores if there are any, over the versions.

    Args:
        aug_bboxes: of each version, in the same order.
        aug_scores: (n, C) of each version, or None.
        img_metas: a list of one for each version.
        rcnn_test_cfg: without effect.

    Returns:
        (n, 4k) in pixels of the original image; a pair with (n, C) if there are scores.
    """
    recovered = [
        _to_original(boxes, metas[0]) for boxes, metas in zip(aug_bboxes, img_metas, strict=True)
    ]
    bboxes = torch.stack(recovered).mean(dim=0)
    return bboxes if aug_scores is None else (bboxes, torch.stack(list(aug_scores)).mean(dim=0))


def merge_aug_scores(aug_scores: Sequence[Any]) -> Any:
    """Averages scores, tensors or arrays, over the versions."""
    if isinstance(aug_scores[0], Tensor):
        return torch.stack(list(aug_scores)).mean(dim=0)
    return np.mean(aug_scores, axis=0)


def merge_aug_masks(
    aug_masks: Sequence[np.ndarray],
    img_metas: Sequence[Sequence[Meta]],
    rcnn_test_cfg: Any,
    weights: Any = None,
) -> np.ndarray:
    """Averages masks (n, C, h, w) over the versions.

    Args:
        aug_masks: of each version, in the same order.
        img_metas: a list of one for each version.
        rcnn_test_cfg: without effect.
        weights: of each version.
    """
    recovered = []
    for mask, metas in zip(aug_masks, img_metas, strict=True):
        if metas[0]["flip"]:
            direction = metas[0]["flip_direction"]
            if direction not in FLIPPED_AXES:
                raise ValueError(f"Invalid flipping direction '{direction}'")
            mask = np.flip(mask, FLIPPED_AXES[direction])
        recovered.append(mask)
    return np.average(recovered, axis=0, weights=weights)
