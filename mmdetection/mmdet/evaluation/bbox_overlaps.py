"""Overlaps of boxes in numpy."""

from __future__ import annotations

import numpy as np

from mmcv.image.checks import require


def bbox_overlaps(
    bboxes1: np.ndarray,
    bboxes2: np.ndarray,
    mode: str = "iou",
    eps: float = 1e-6,
    use_legacy_coordinate: bool = False,
) -> np.ndarray:
    """Returns the overlap of every pair.

    Args:
        bboxes1: (n, 4) x1 y1 x2 y2.
        bboxes2: (k, 4).
        mode: "iou": over the union; "iof": over the area of the first.
        eps: least divisor.
        use_legacy_coordinate: x2 and y2 are the last pixels inside, as in VOC.

    Returns:
        (n, k) float32
    """
    require(mode in ("iou", "iof"), f"mode must be 'iou' or 'iof', but got {mode!r}")
    extra = 1.0 if use_legacy_coordinate else 0.0
    first = bboxes1.astype(np.float32)[:, None, :4]
    second = bboxes2.astype(np.float32)[None, :, :4]
    if first.size == 0 or second.size == 0:
        return np.zeros((len(bboxes1), len(bboxes2)), dtype=np.float32)
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    sides = np.maximum(high - low + extra, 0)
    overlap = sides[..., 0] * sides[..., 1]
    area1, area2 = _areas(first, extra), _areas(second, extra)
    union = area1 + area2 - overlap if mode == "iou" else np.broadcast_to(area1, overlap.shape)
    return (overlap / np.maximum(union, eps)).astype(np.float32)


def _areas(boxes: np.ndarray, extra: float) -> np.ndarray:
    return (boxes[..., 2] - boxes[..., 0] + extra) * (boxes[..., 3] - boxes[..., 1] + extra)
