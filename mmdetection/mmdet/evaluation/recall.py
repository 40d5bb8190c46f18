"""Recall of proposals: how many objects they cover, by their number and the overlap asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.utils import print_log
from mmcv.utils.table import text_table
from mmdet.evaluation.bbox_overlaps import bbox_overlaps


def eval_recalls(
    gts: Sequence[Any],
    proposals: Sequence[np.ndarray],
    proposal_nums: int | Sequence[int] | np.ndarray | None = None,
    iou_thrs: float | Sequence[float] | np.ndarray = 0.5,
    logger: Any = None,
    use_legacy_coordinate: bool = False,
) -> np.ndarray:
    """Computes and logs recalls.

    Args:
        gts: boxes (n, 4) of each image, or None.
        proposals: (k, 4) of each image, or (k, 5) with scores, by which they are sorted.
        proposal_nums: how many of them are looked at.
        iou_thrs: overlaps from which on an object is covered.
        logger: where the table goes.
        use_legacy_coordinate: see bbox_overlaps.

    Returns:
        (numbers, thresholds)
    """
    require(len(gts) == len(proposals), f"{len(proposals)} results for {len(gts)} images")
    nums, thresholds = set_recall_param(proposal_nums, iou_thrs)
    ious = []
    for truth, proposed in zip(gts, proposals, strict=True):
        if proposed.ndim == 2 and proposed.shape[1] == 5:
            proposed = proposed[np.argsort(proposed[:, 4])[::-1]]
        if truth is None or len(truth) == 0:
            ious.append(np.zeros((0, len(proposed)), dtype=np.float32))
            continue
        first = proposed[: nums[-1], :4]
        ious.append(bbox_overlaps(truth, first, use_legacy_coordinate=use_legacy_coordinate))
    recalls = _recalls(ious, nums, thresholds)
    print_recall_summary(recalls, nums, thresholds, logger=logger)
    return recalls


def _recalls(ious: Sequence[np.ndarray], nums: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    covered = np.stack([np.concatenate([_best(iou[:, :num]) for iou in ious]) for num in nums])
    covered = covered.astype(np.float32)
    total = covered.shape[1]
    if total == 0:
        return np.full((len(nums), len(thresholds)), np.nan)
    return np.stack([(covered >= threshold).sum(axis=1) for threshold in thresholds], 1) / total


def _best(ious: np.ndarray) -> np.ndarray:
    """Pairs objects with proposals, the best overlap first; returns the overlap of each object."""
    ious = ious.copy()
    best = np.zeros(len(ious))
    if ious.size == 0:
        return best
    for k in range(len(ious)):
        choice = ious.argmax(axis=1)
        values = ious[np.arange(len(ious)), choice]
        row = values.argmax()
        best[k] = values[row]
        ious[row, :] = -1
        ious[:, choice[row]] = -1
    return best


def set_recall_param(proposal_nums: Any, iou_thrs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns numbers and thresholds as arrays; one of each may be a scalar, or None."""
    nums = np.array([proposal_nums]) if isinstance(proposal_nums, int) else proposal_nums
    nums = np.array(nums) if isinstance(nums, Sequence) else nums
    if iou_thrs is None:
        thresholds = np.array([0.5])
    elif isinstance(iou_thrs, Sequence):
        thresholds = np.array(iou_thrs)
    elif isinstance(iou_thrs, float):
        thresholds = np.array([iou_thrs])
    else:
        thresholds = iou_thrs
    return nums, thresholds


def print_recall_summary(
    recalls: np.ndarray,
    proposal_nums: Any,
    iou_thrs: Any,
    row_idxs: Sequence[int] | None = None,
    col_idxs: Sequence[int] | None = None,
    logger: Any = None,
) -> None:
    """Logs recalls as a table.

    Args:
        recalls: (numbers, thresholds).
        proposal_nums: names of the rows.
        iou_thrs: names of the columns.
        row_idxs: which rows; None: all.
        col_idxs: which columns; None: all.
        logger: where the table goes.
    """
    nums, thresholds = np.asarray(proposal_nums), np.asarray(iou_thrs)
    rows = np.arange(nums.size) if row_idxs is None else row_idxs
    columns = np.arange(thresholds.size) if col_idxs is None else col_idxs
    table: dict[str, list[str]] = {"": [str(nums[i]) for i in rows]}
    for j in columns:
        table[f"{thresholds[j]:g}"] = [f"{recalls[i, j]:.3f}" for i in rows]
    print_log("\n" + text_table(table), logger=logger)


def plot_num_recall(recalls: Any, proposal_nums: Any) -> None:
    """Draws recall over the number of proposals with matplotlib."""
    _plot([0, *list(proposal_nums)], [0, *list(np.asarray(recalls))], "Proposal num")


def plot_iou_recall(recalls: Any, iou_thrs: Any) -> None:
    """Draws recall over the threshold of the overlap with matplotlib."""
    _plot([*list(iou_thrs), 1.0], [*list(np.asarray(recalls)), 0.0], "IoU")


def _plot(x: list[Any], y: list[Any], name: str) -> None:
    import matplotlib.pyplot as plt

    plt.figure()
    plt.plot(x, y)
    plt.xlabel(name)
    plt.ylabel("Recall")
    plt.axis((0, max(x), 0, 1))
    plt.show()
