"""Suppression of duplicates: per class, all at once (YOLACT), and of masks (SOLOv2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcv.ops import batched_nms
from mmdet.boxes.iou import bbox_overlaps


def multiclass_nms(
    multi_bboxes: Tensor,
    multi_scores: Tensor,
    score_thr: float,
    nms_cfg: Any,
    max_num: int = -1,
    score_factors: Tensor | None = None,
    return_inds: bool = False,
) -> tuple[Tensor, ...]:
    """Suppresses duplicates within each class.

    Args:
        multi_bboxes: (N, C * 4), or (N, 4) for all classes.
        multi_scores: (N, C + 1), background last.
        score_thr: scores must exceed it; boxes that are not finite are left out too.
        nms_cfg: see :func:`mmcv.ops.batched_nms`.
        max_num: at most so many are kept; -1: all.
        score_factors: (N,) what scores are multiplied by after the threshold.
        return_inds: also return indices into the N * C scores.

    Returns:
        (K, 5) boxes with scores in descending order, their (K,) classes, and (K,) indices if asked.
    """
    number, num_classes = len(multi_scores), multi_scores.size(1) - 1
    if multi_bboxes.shape[1] > 4:
        bboxes = multi_bboxes.view(number, -1, 4)
    else:
        bboxes = multi_bboxes[:, None].expand(number, num_classes, 4)
    bboxes, scores = bboxes.reshape(-1, 4), multi_scores[:, :-1]
    labels = torch.arange(num_classes, device=scores.device).expand(number, num_classes).reshape(-1)
    valid = scores.reshape(-1) > score_thr
    if score_factors is not None:
        scores = scores * score_factors.view(-1, 1)
    # One box that is not finite would spoil the offsets that keep classes apart.
    inds = (valid & torch.isfinite(bboxes).all(dim=1)).nonzero().squeeze(1)
    bboxes, scores, labels = bboxes[inds], scores.reshape(-1)[inds], labels[inds]
    if len(inds) == 0:
        dets, keep = torch.cat([bboxes, scores[:, None]], -1), inds
    else:
        dets, keep = batched_nms(bboxes, scores, labels, nms_cfg)
    if max_num > 0:
        dets, keep = dets[:max_num], keep[:max_num]
    return (dets, labels[keep], inds[keep]) if return_inds else (dets, labels[keep])


def fast_nms(
    multi_bboxes: Tensor,
    multi_scores: Tensor,
    multi_coeffs: Tensor,
    score_thr: float,
    iou_thr: float,
    top_k: int,
    max_num: int = -1,
) -> tuple[Tensor, Tensor, Tensor]:
    """Suppresses by the best-scored overlap, even of a suppressed box (arXiv:1904.02689).

    Args:
        multi_bboxes: (N, 4).
        multi_scores: (N, C + 1), background last.
        multi_coeffs: (N, K) what belongs to each box.
        score_thr: scores must exceed it.
        iou_thr: overlap up to which a box is kept.
        top_k: so many boxes of each class take part.
        max_num: at most so many are kept; -1: all.

    Returns:
        (M, 5) boxes with scores, (M,) classes, (M, K) coefficients.
    """
    scores, idx = multi_scores[:, :-1].t().sort(1, descending=True)
    scores, idx = scores[:, :top_k], idx[:, :top_k]
    boxes, coeffs = multi_bboxes[idx], multi_coeffs[idx]
    keep = scores > score_thr
    if idx.numel():
        keep = keep & (bbox_overlaps(boxes, boxes).triu(diagonal=1).max(dim=1)[0] <= iou_thr)
    classes = torch.arange(len(idx), device=boxes.device)[:, None].expand_as(keep)[keep]
    scores, order = scores[keep].sort(0, descending=True)
    if max_num > 0:
        scores, order = scores[:max_num], order[:max_num]
    dets = torch.cat([boxes[keep][order], scores[:, None]], dim=1)
    return dets, classes[order], coeffs[keep][order]


def mask_matrix_nms(
    masks: Tensor,
    labels: Tensor,
    scores: Tensor,
    filter_thr: float = -1,
    nms_pre: int = -1,
    max_num: int = -1,
    kernel: str = "gaussian",
    sigma: float = 2.0,
    mask_area: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lowers the scores of masks that overlap better ones of their class (arXiv:2003.10152).

    Args:
        masks: (N, H, W) binary.
        labels: (N,) classes.
        scores: (N,).
        filter_thr: masks whose new score falls below are left out; not positive: none are.
        nms_pre: so many of the best take part; -1: all.
        max_num: at most so many are kept; -1: all.
        kernel: "gaussian" or "linear".
        sigma: of the former.
        mask_area: (N,) pixels of the masks.

    Returns:
        New scores in descending order, labels, masks, and indices of the kept.
    """
    assert len(labels) == len(masks) == len(scores)
    assert mask_area is None or len(mask_area) == len(masks)
    if kernel not in ("gaussian", "linear"):
        raise NotImplementedError(f"{kernel} kernel is not supported in matrix nms!")
    if len(labels) == 0:
        return scores, labels, masks, labels.new_zeros(0)
    area = masks.sum((1, 2)).float() if mask_area is None else mask_area
    scores, order = torch.sort(scores, descending=True)
    if nms_pre > 0:
        scores, order = scores[:nms_pre], order[:nms_pre]
    scores = scores * _decay(masks[order], labels[order], area[order], kernel, sigma)
    if filter_thr > 0:
        kept = scores >= filter_thr
        scores, order = scores[kept], order[kept]
    scores, again = torch.sort(scores, descending=True)
    order = order[again]
    if max_num > 0:
        scores, order = scores[:max_num], order[:max_num]
    return scores, labels[order], masks[order], order


def _decay(masks: Tensor, labels: Tensor, area: Tensor, kernel: str, sigma: float) -> Tensor:
    """Returns the factors (N,) of scores that are in descending order."""
    flat = masks.flatten(1).float()
    common = flat @ flat.t()
    union = (area[None, :] + area[:, None] - common).clamp(min=1e-6)
    same = labels[None, :] == labels[:, None]
    ious = (common / union * same).triu(diagonal=1)
    worst = ious.max(0)[0][:, None]  # how much the suppressing mask is suppressed itself
    if kernel == "gaussian":
        return torch.exp(sigma * (worst**2 - ious**2)).min(0)[0]
    return ((1 - ious) / (1 - worst).clamp(min=1e-6)).min(0)[0]
