"""Non-maximum suppression in 1.x's forms, over torchvision's kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

METHODS = ("naive", "linear", "gaussian")


def nms(
    boxes: Any,
    scores: Any,
    iou_threshold: float,
    offset: int = 0,
    score_threshold: float = 0,
    max_num: int = -1,
) -> tuple[Any, Any]:
    """Keeps the highest-scoring boxes among those that overlap.

    Args:
        boxes: (N, 4) x1 y1 x2 y2; tensor or array.
        scores: (N,).
        iou_threshold: boxes that overlap a kept one by more are dropped.
        offset: added to widths and heights: 1 where boxes name pixels, 0 where they name edges.
        score_threshold: boxes below it do not take part.
        max_num: at most so many are kept; -1: all.

    Returns:
        (K, 5) boxes with scores in descending order, and their (K,) indices; as arrays if the boxes
        are an array.
    """
    from torchvision.ops import nms as torchvision_nms

    if isinstance(boxes, np.ndarray):
        dets, keep = nms(
            torch.from_numpy(boxes), torch.as_tensor(scores), iou_threshold, offset,
            score_threshold, max_num,
        )  # fmt: skip
        return dets.numpy(), keep.numpy()
    _check(boxes, scores, offset)
    candidates = torch.arange(len(boxes), device=boxes.device)
    if score_threshold > 0:
        candidates = candidates[scores > score_threshold]
    edges = boxes[candidates]
    if offset:
        edges = edges + edges.new_tensor([0, 0, offset, offset])
    keep = candidates[torchvision_nms(edges, scores[candidates], float(iou_threshold))]
    if max_num > 0:
        keep = keep[:max_num]
    return torch.cat([boxes[keep], scores[keep, None]], 1), keep


def soft_nms(
    boxes: Any,
    scores: Any,
    iou_threshold: float = 0.3,
    sigma: float = 0.5,
    min_score: float = 1e-3,
    method: str = "linear",
    offset: int = 0,
) -> tuple[Any, Any]:
    """Lowers the scores of overlapping boxes instead of dropping them (arXiv:1704.04503).

    Args:
        boxes: (N, 4) x1 y1 x2 y2; tensor or array.
        scores: (N,).
        iou_threshold: where "naive" drops and "linear" starts to lower.
        sigma: of the "gaussian".
        min_score: boxes whose score falls below are dropped.
        method: "naive", "linear" or "gaussian".
        offset: as in :func:`nms`.

    Returns:
        (K, 5) boxes with their new scores in the order of selection, and their (K,) indices.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, but got {method!r}")
    if isinstance(boxes, np.ndarray):
        dets, keep = soft_nms(
            torch.from_numpy(boxes), torch.as_tensor(scores), iou_threshold, sigma, min_score,
            method, offset,
        )  # fmt: skip
        return dets.numpy(), keep.numpy()
    _check(boxes, scores, offset)
    rest, left = boxes.cpu(), scores.cpu().clone()
    index = torch.arange(len(rest))
    chosen, chosen_scores = [], []
    while len(index):
        best = int(left.argmax())
        chosen.append(index[best])
        chosen_scores.append(left[best])
        iou = _iou(rest[best], rest, offset)
        if method == "gaussian":
            factor = torch.exp(-iou.square() / sigma)
        else:
            lowered = torch.zeros_like(iou) if method == "naive" else 1 - iou
            factor = torch.where(iou >= iou_threshold, lowered, torch.ones_like(iou))
        left = left * factor
        stays = left >= min_score
        stays[best] = False
        rest, left, index = rest[stays], left[stays], index[stays]
    if not chosen:
        return boxes.new_zeros(0, 5), torch.zeros(0, dtype=torch.long, device=boxes.device)
    keep = torch.stack(chosen).to(boxes.device)
    return torch.cat([boxes[keep], torch.stack(chosen_scores)[:, None].to(boxes)], 1), keep


def batched_nms(
    boxes: Tensor,
    scores: Tensor,
    idxs: Tensor,
    nms_cfg: Mapping[str, Any] | None,
    class_agnostic: bool = False,
) -> tuple[Tensor, Tensor]:
    """Suppresses within each class (or image, or level) only.

    Args:
        boxes: (N, 4) x1 y1 x2 y2.
        scores: (N,).
        idxs: (N,) the class of each box.
        nms_cfg: ``dict(type='nms' | 'soft_nms', iou_threshold=…)``; ``split_thr`` (default 10000):
            from so many boxes on, classes are taken one by one; None: sort only.
        class_agnostic: suppress across classes; may stand in ``nms_cfg`` too.

    Returns:
        (K, 5) boxes with scores in descending order, and their (K,) indices.
    """
    if nms_cfg is None:
        ordered, order = scores.sort(descending=True)
        return torch.cat([boxes[order], ordered[:, None]], -1), order
    cfg = dict(nms_cfg)
    class_agnostic = cfg.pop("class_agnostic", class_agnostic)
    function = {"nms": nms, "soft_nms": soft_nms}[cfg.pop("type", "nms")]
    split_threshold = cfg.pop("split_thr", 10000)
    apart = boxes
    if not class_agnostic and len(boxes):
        # Classes are moved so far apart that boxes of different ones cannot overlap.
        apart = boxes + (idxs.to(boxes) * (boxes.max() + 1))[:, None]
    if class_agnostic or len(boxes) < split_threshold:
        dets, keep = function(apart, scores, **cfg)
        return torch.cat([boxes[keep], dets[:, -1:]], -1), keep
    return _one_class_at_a_time(function, cfg, boxes, apart, scores, idxs)


def nms_match(dets: Any, iou_threshold: float) -> list[Any]:
    """Groups boxes: each group starts with a kept box, followed by those it suppresses.

    Args:
        dets: (N, 5) boxes with scores; tensor or array.
        iou_threshold: of the suppression.

    Returns:
        One (k,) index tensor (array, if ``dets`` is one) per group.
    """
    if isinstance(dets, np.ndarray):
        return [group.numpy() for group in nms_match(torch.from_numpy(dets), iou_threshold)]
    if dets.shape[-1] != 5:
        raise AssertionError(f"inputs dets.shape should be (N, 5), but get {tuple(dets.shape)}")
    boxes = dets[:, :4].cpu()
    order = dets[:, 4].cpu().sort(descending=True, stable=True)[1]
    groups = []
    while len(order):
        overlaps = _iou(boxes[order[0]], boxes[order], 0) >= iou_threshold
        overlaps[0] = True
        groups.append(order[overlaps].to(dets.device))
        order = order[~overlaps]
    return groups


def _one_class_at_a_time(
    function: Any, cfg: dict[str, Any], boxes: Tensor, apart: Tensor, scores: Tensor, idxs: Tensor
) -> tuple[Tensor, Tensor]:
    max_num = cfg.pop("max_num", -1)
    kept, new_scores = torch.zeros_like(scores, dtype=torch.bool), torch.zeros_like(scores)
    for number in idxs.unique():
        members = (idxs == number).nonzero().view(-1)
        dets, keep = function(apart[members], scores[members], **cfg)
        kept[members[keep]] = True
        new_scores[members[keep]] = dets[:, -1]
    keep = kept.nonzero().view(-1)
    ordered, order = new_scores[keep].sort(descending=True)
    keep = keep[order]
    if max_num > 0:
        keep, ordered = keep[:max_num], ordered[:max_num]
    return torch.cat([boxes[keep], ordered[:, None]], -1), keep


def _iou(box: Tensor, boxes: Tensor, offset: int) -> Tensor:
    top_left = torch.maximum(box[:2], boxes[:, :2])
    sides = (torch.minimum(box[2:], boxes[:, 2:]) - top_left + offset).clamp(min=0)
    inter = sides.prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2] + offset).prod(1)
    return inter / ((box[2:] - box[:2] + offset).prod() + areas - inter)


def _check(boxes: Tensor, scores: Tensor, offset: int) -> None:
    if boxes.shape[-1] != 4 or len(boxes) != len(scores) or offset not in (0, 1):
        raise AssertionError(
            f"boxes must be (N, 4), scores (N,) and offset 0 or 1, but got {tuple(boxes.shape)},"
            f" {tuple(scores.shape)} and {offset}"
        )
