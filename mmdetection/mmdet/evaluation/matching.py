"""Which detections are true and which are false, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdet.evaluation.bbox_overlaps import bbox_overlaps

# (smallest, largest) area, the latter exclusive.
AreaRanges = Sequence[tuple[Any, Any]] | None


def tpfp_default(
    det_bboxes: np.ndarray,
    gt_bboxes: np.ndarray,
    gt_bboxes_ignore: np.ndarray | None = None,
    iou_thr: float = 0.5,
    area_ranges: AreaRanges = None,
    use_legacy_coordinate: bool = False,
    **kwargs: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Matches as VOC: each detection with the object it overlaps most, the best score first.

    Detections of objects to ignore, or outside of the range of areas, count neither way.

    Args:
        det_bboxes: (n, 5) boxes with scores.
        gt_bboxes: (k, 4) objects.
        gt_bboxes_ignore: (l, 4) objects that need not be found.
        iou_thr: least overlap.
        area_ranges: of objects; None: all.
        use_legacy_coordinate: see bbox_overlaps.
        kwargs: accepted.

    Returns:
        true and false (ranges, n) float32 of 0 and 1
    """
    image = _Image(det_bboxes, gt_bboxes, gt_bboxes_ignore, area_ranges, use_legacy_coordinate)
    if len(image.truths) == 0:
        return image.all_false()
    ious = bbox_overlaps(det_bboxes, image.truths, use_legacy_coordinate=use_legacy_coordinate)
    best, choice = ious.max(axis=1), ious.argmax(axis=1)
    true, false = image.empty()
    for k in range(len(image.ranges)):
        covered = np.zeros(len(image.truths), dtype=bool)
        skipped = image.skipped(k)
        for i in image.by_score():
            if best[i] < iou_thr:
                false[k, i] = image.counts(k, i)
            elif not skipped[choice[i]]:
                true[k, i] = not covered[choice[i]]
                false[k, i] = covered[choice[i]]
                covered[choice[i]] = True
    return true, false


def tpfp_imagenet(
    det_bboxes: np.ndarray,
    gt_bboxes: np.ndarray,
    gt_bboxes_ignore: np.ndarray | None = None,
    default_iou_thr: float = 0.5,
    area_ranges: AreaRanges = None,
    use_legacy_coordinate: bool = False,
    **kwargs: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Matches as ImageNet: with the best object still free; small ones need less overlap.

    Args:
        det_bboxes: (n, 5) boxes with scores.
        gt_bboxes: (k, 4) objects.
        gt_bboxes_ignore: (l, 4) objects that need not be found.
        default_iou_thr: least overlap of large objects.
        area_ranges: of objects; None: all.
        use_legacy_coordinate: see bbox_overlaps.
        kwargs: accepted.

    Returns:
        true and false (ranges, n) float32 of 0 and 1
    """
    image = _Image(det_bboxes, gt_bboxes, gt_bboxes_ignore, area_ranges, use_legacy_coordinate)
    if len(image.truths) == 0:
        return image.all_false()
    ious = bbox_overlaps(det_bboxes, image.truths - 1, use_legacy_coordinate=use_legacy_coordinate)
    w, h = image.sides(image.truths)
    thresholds = np.minimum((w * h) / ((w + 10.0) * (h + 10.0)), default_iou_thr)
    true, false = image.empty()
    for k in range(len(image.ranges)):
        covered = np.zeros(len(image.truths), dtype=bool)
        skipped = image.skipped(k)
        for i in image.by_score():
            free = np.where(~covered & (ious[i] >= thresholds), ious[i], -1)
            choice = int(free.argmax())
            if free[choice] < 0:
                false[k, i] = image.counts(k, i)
                continue
            covered[choice] = True
            true[k, i] = not skipped[choice]
    return true, false


class _Image:
    """Detections and objects of one image and class."""

    def __init__(
        self,
        detections: np.ndarray,
        truths: np.ndarray,
        ignored: np.ndarray | None,
        ranges: AreaRanges,
        is_legacy: bool,
    ) -> None:
        ignored = np.zeros((0, 4), np.float32) if ignored is None else ignored
        self.is_ignored = np.arange(len(truths) + len(ignored)) >= len(truths)
        self.truths = np.vstack((truths, ignored))
        self.detections = detections
        self.ranges = [(None, None)] if ranges is None else list(ranges)
        self.extra = 1.0 if is_legacy else 0.0

    def empty(self) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(self.ranges), len(self.detections))
        return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)

    def all_false(self) -> tuple[np.ndarray, np.ndarray]:
        true, false = self.empty()
        for k in range(len(self.ranges)):
            false[k] = [self.counts(k, i) for i in range(len(self.detections))]
        return true, false

    def by_score(self) -> np.ndarray:
        return np.argsort(-self.detections[:, -1])

    def sides(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return boxes[..., 2] - boxes[..., 0] + self.extra, boxes[..., 3] - boxes[
            ..., 1
        ] + self.extra

    def skipped(self, k: int) -> np.ndarray:
        """Returns (k,) bool: objects that count neither way in a range."""
        low, high = self.ranges[k]
        if low is None:
            return self.is_ignored
        w, h = self.sides(self.truths)
        return self.is_ignored | (w * h < low) | (w * h >= high)

    def counts(self, k: int, i: int) -> bool:
        """Returns whether a detection without object is false: its area is in the range."""
        low, high = self.ranges[k]
        if low is None:
            return True
        w, h = self.sides(self.detections[i])
        return bool(low <= w * h < high)
