"""How well single images are detected, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdet.evaluation.bbox_overlaps import bbox_overlaps
from mmdet.evaluation.mean_ap import eval_map


def boxes_of(result: Any) -> list[np.ndarray]:
    """Returns the boxes per class of a result, which may be a tuple of boxes and masks."""
    return result[0] if isinstance(result, tuple) else result


def image_ap(
    result: Any, annotation: dict[str, Any], thresholds: Sequence[float] | None = None
) -> float:
    """Returns the mAP of one image, averaged over thresholds.

    Args:
        result: its boxes per class, or a tuple of these and masks.
        annotation: ``bboxes`` and ``labels``.
        thresholds: of the overlap; None: 0.5, 0.55, ... 0.95.
    """
    wanted = np.linspace(0.5, 0.95, 10) if thresholds is None else thresholds
    boxes = boxes_of(result)
    return float(
        np.mean([eval_map([boxes], [annotation], iou_thr=t, logger="silent")[0] for t in wanted])
    )


def confusion_matrix(
    results: Sequence[Any],
    annotations: Sequence[dict[str, Any]],
    num_classes: int,
    score_thr: float = 0.0,
    iou_thr: float = 0.5,
) -> np.ndarray:
    """Counts which objects were detected as which class.

    A detection counts for every object it overlaps enough; without one it counts for the
    background, as does an object without a detection.

    Args:
        results: per image boxes per class, or a tuple of these and masks.
        annotations: per image ``bboxes`` and ``labels``.
        num_classes: the background is the next one.
        score_thr: lower scores do not count.
        iou_thr: least overlap.

    Returns:
        (num_classes + 1, num_classes + 1): true class by detected class.
    """
    matrix = np.zeros((num_classes + 1, num_classes + 1))
    for result, annotation in zip(results, annotations, strict=True):
        truths, labels = annotation["bboxes"], annotation["labels"]
        found = np.zeros(len(labels), dtype=bool)
        for detected, boxes in enumerate(boxes_of(result)):
            kept = boxes[boxes[:, 4] >= score_thr] if len(boxes) else boxes
            hits = bbox_overlaps(kept[:, :4], truths) >= iou_thr
            for label, count in zip(labels, hits.sum(axis=0), strict=True):
                matrix[label, detected] += count
            matrix[num_classes, detected] += (~hits.any(axis=1)).sum()
            same = np.asarray(labels) == detected
            found |= hits.any(axis=0) & same
        for label in np.asarray(labels)[~found]:
            matrix[label, num_classes] += 1
    return matrix
