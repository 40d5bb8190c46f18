"""Which entries of a sample describe the same objects, and the selection of some of these."""

from __future__ import annotations

from typing import Any

import numpy as np

LABELS = {"gt_bboxes": "gt_labels", "gt_bboxes_ignore": "gt_labels_ignore"}
MASKS = {"gt_bboxes": "gt_masks", "gt_bboxes_ignore": "gt_masks_ignore"}


def keep_objects(results: dict[str, Any], key: str, kept: np.ndarray) -> None:
    """Selects objects: their boxes, and their labels and masks where there are any.

    Args:
        results: the sample.
        key: of the boxes.
        kept: (n,) bool.
    """
    results[key] = results[key][kept]
    label_key, mask_key = LABELS.get(key), MASKS.get(key)
    if label_key in results:
        results[label_key] = results[label_key][kept]
    if mask_key in results:
        results[mask_key] = results[mask_key][kept.nonzero()[0]]


def clip_boxes(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """Clips (n, 4) boxes to an image, in place."""
    boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, width)
    boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, height)
    return boxes


def boxes_inside(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """Returns (n,) bool: whether any part of a box is in the image."""
    return (boxes[:, 0] < width) & (boxes[:, 2] > 0) & (boxes[:, 1] < height) & (boxes[:, 3] > 0)


def is_plausible(
    before: np.ndarray,
    after: np.ndarray,
    *,
    min_size: float,
    min_area_ratio: float,
    max_aspect_ratio: float,
) -> np.ndarray:
    """Returns (n,) bool: whether boxes still show their object after a change.

    Args:
        before: (n, 4) boxes.
        after: (n, 4) what became of them.
        min_size: least width and height.
        min_area_ratio: least share of the area that is left.
        max_aspect_ratio: of the longer to the shorter side.
    """
    w1, h1 = before[:, 2] - before[:, 0], before[:, 3] - before[:, 1]
    w2, h2 = after[:, 2] - after[:, 0], after[:, 3] - after[:, 1]
    aspect = np.maximum(w2 / (h2 + 1e-16), h2 / (w2 + 1e-16))
    return (
        (w2 > min_size)
        & (h2 > min_size)
        & (w2 * h2 / (w1 * h1 + 1e-16) > min_area_ratio)
        & (aspect < max_aspect_ratio)
    )
