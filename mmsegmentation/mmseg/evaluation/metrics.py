"""Segmentation metrics from per-class pixel counts: IoU, Dice and F-score.

Everything starts from four counts per class and image (:func:`intersect_and_union`). They are small
enough to be gathered over processes, and exact: metrics follow from their sums.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from mmcv.registry import ConfigError

LabelMap: TypeAlias = Mapping[int, int]
Areas: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]

ALLOWED_METRICS = ("mIoU", "mDice", "mFscore")


def f_score(precision: Any, recall: Any, beta: float = 1) -> Any:
    """Returns the F-score: the harmonic mean of precision and recall, recall weighing ``beta``²."""
    return (1 + beta**2) * (precision * recall) / ((beta**2 * precision) + recall)


def intersect_and_union(
    pred_label: np.ndarray | Tensor | str,
    label: np.ndarray | Tensor | str,
    num_classes: int,
    ignore_index: int,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
) -> Areas:
    """Counts, per class, the pixels of one image's prediction and truth.

    Args:
        pred_label: (H, W) predicted classes, or the name of an ``.npy`` file.
        label: (H, W) true classes, or the name of an image file. It is not changed.
        num_classes: number of classes C.
        ignore_index: value of ``label`` whose pixels count nowhere.
        label_map: old label value -> new one, applied first.
        reduce_zero_label: 0 becomes 255 and all other values decrease by one, applied second.

    Returns:
        (C,) counts as float32: intersection, union, predicted pixels, true pixels. A label outside
        0..C-1 that is not ignored still counts its prediction, and the other way round.
    """
    pred_array = np.load(pred_label) if isinstance(pred_label, str) else np.asarray(pred_label)
    truth = _read_label(label) if isinstance(label, str) else np.asarray(label)
    row_offsets = _row_offsets(truth, num_classes, ignore_index, label_map, reduce_zero_label)
    counts = _joint_counts(row_offsets, pred_array, num_classes)
    intersect = counts.diagonal()[:num_classes]
    pred_area = counts[: num_classes + 1, :num_classes].sum(axis=0)  # all rows but the ignored
    label_area = counts[:num_classes].sum(axis=1)
    areas = (intersect, pred_area + label_area - intersect, pred_area, label_area)
    return tuple(torch.from_numpy(area.astype(np.float32)) for area in areas)  # type: ignore[return-value]


def _row_offsets(
    label: np.ndarray,
    num_classes: int,
    ignore_index: int,
    label_map: LabelMap | None,
    reduce_zero_label: bool,
) -> np.ndarray:
    """Returns per pixel the offset of its row in the (C + 2, C + 1) counts.

    Rows 0..C-1 are the classes, C collects foreign values, C + 1 the ignored pixels.
    """
    map_items = tuple(label_map.items()) if label_map else ()
    if label.dtype == np.uint8:  # 256 values: one table look-up instead of passes over the image
        return _label_table(num_classes, ignore_index, map_items, reduce_zero_label).take(label)
    return _classify(
        label.astype(np.int64), num_classes, ignore_index, map_items, reduce_zero_label
    )


@lru_cache(maxsize=16)
def _label_table(
    num_classes: int,
    ignore_index: int,
    label_map: tuple[tuple[int, int], ...],
    reduce_zero_label: bool,
) -> np.ndarray:
    values = np.arange(256, dtype=np.uint8)
    return _classify(values, num_classes, ignore_index, label_map, reduce_zero_label)


def _classify(
    label: np.ndarray,
    num_classes: int,
    ignore_index: int,
    label_map: tuple[tuple[int, int], ...],
    reduce_zero_label: bool,
) -> np.ndarray:
    mapped = label.copy()
    for old, new in label_map:
        mapped[label == old] = np.asarray(new).astype(label.dtype)  # -1 wraps to 255 in uint8
    values = mapped.astype(np.int64)
    if reduce_zero_label:
        values = np.where((values == 0) | (values == 255), 255, values - 1)
    rows = np.where((values >= 0) & (values < num_classes), values, num_classes)
    return np.where(values == ignore_index, num_classes + 1, rows) * (num_classes + 1)


def _joint_counts(row_offsets: np.ndarray, pred: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns (C + 2, C + 1) pixel counts; the last column collects foreign predictions."""
    if row_offsets.shape != pred.shape:
        raise ValueError(f"the prediction is {pred.shape}, but the label is {row_offsets.shape}")
    columns = pred.astype(np.int64, copy=False)
    if columns.size and (columns.min() < 0 or columns.max() >= num_classes):
        columns = np.where((columns >= 0) & (columns < num_classes), columns, num_classes)
    joint = (row_offsets + columns).ravel()
    counts = np.bincount(joint, minlength=(num_classes + 2) * (num_classes + 1))
    return counts.reshape(num_classes + 2, num_classes + 1)


def _read_label(path: str) -> np.ndarray:
    from mmcv.image import imread

    return imread(path, flag="unchanged", backend="pillow")


def total_intersect_and_union(
    results: Iterable[Any],
    gt_seg_maps: Iterable[Any],
    num_classes: int,
    ignore_index: int,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
) -> Areas:
    """Sums :func:`intersect_and_union` over a data set, in double precision."""
    totals = [torch.zeros(num_classes, dtype=torch.float64) for _ in range(4)]
    for result, gt_seg_map in zip(results, gt_seg_maps, strict=False):
        areas = intersect_and_union(
            result, gt_seg_map, num_classes, ignore_index, label_map, reduce_zero_label
        )
        for total, area in zip(totals, areas, strict=True):
            total += area
    return tuple(totals)  # type: ignore[return-value]


def mean_iou(
    results: Iterable[Any],
    gt_seg_maps: Iterable[Any],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
) -> OrderedDict[str, np.ndarray]:
    """Returns ``aAcc`` (a number), ``IoU`` and ``Acc`` (one value per class)."""
    options = (nan_to_num, label_map, reduce_zero_label)
    return eval_metrics(results, gt_seg_maps, num_classes, ignore_index, "mIoU", *options)


def mean_dice(
    results: Iterable[Any],
    gt_seg_maps: Iterable[Any],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
) -> OrderedDict[str, np.ndarray]:
    """Returns ``aAcc`` (a number), ``Dice`` and ``Acc`` (one value per class)."""
    options = (nan_to_num, label_map, reduce_zero_label)
    return eval_metrics(results, gt_seg_maps, num_classes, ignore_index, "mDice", *options)


def mean_fscore(
    results: Iterable[Any],
    gt_seg_maps: Iterable[Any],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
    beta: float = 1,
) -> OrderedDict[str, np.ndarray]:
    """Returns ``aAcc`` (a number), ``Fscore``, ``Precision`` and ``Recall`` (one value a class)."""
    options = (nan_to_num, label_map, reduce_zero_label, beta)
    return eval_metrics(results, gt_seg_maps, num_classes, ignore_index, "mFscore", *options)


def eval_metrics(
    results: Iterable[Any],
    gt_seg_maps: Iterable[Any],
    num_classes: int,
    ignore_index: int,
    metrics: str | Sequence[str] = ("mIoU",),
    nan_to_num: float | None = None,
    label_map: LabelMap | None = None,
    reduce_zero_label: bool = False,
    beta: float = 1,
) -> OrderedDict[str, np.ndarray]:
    """Computes metrics from predictions and truths, arrays or file names.

    Args:
        results: predictions, one (H, W) map or ``.npy`` name per image.
        gt_seg_maps: truths in the same order.
        num_classes: number of classes C.
        ignore_index: label value that counts nowhere.
        metrics: some of ``mIoU``, ``mDice``, ``mFscore``.
        nan_to_num: replaces the value of classes that do not occur.
        label_map: see :func:`intersect_and_union`.
        reduce_zero_label: see :func:`intersect_and_union`.
        beta: weight of recall in the F-score.
    """
    areas = total_intersect_and_union(
        results, gt_seg_maps, num_classes, ignore_index, label_map, reduce_zero_label
    )
    return total_area_to_metrics(*areas, metrics=metrics, nan_to_num=nan_to_num, beta=beta)


def pre_eval_to_metrics(
    pre_eval_results: Sequence[Areas],
    metrics: str | Sequence[str] = ("mIoU",),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> OrderedDict[str, np.ndarray]:
    """Computes metrics from the records of :func:`intersect_and_union`, one per image."""
    totals = [
        sum(area.double() for area in column) for column in zip(*pre_eval_results, strict=True)
    ]
    if len(totals) != 4:
        raise ValueError(f"expected records of 4 counts, but got {len(totals)}")
    return total_area_to_metrics(*totals, metrics=metrics, nan_to_num=nan_to_num, beta=beta)  # type: ignore[arg-type]


def total_area_to_metrics(
    total_area_intersect: Tensor,
    total_area_union: Tensor,
    total_area_pred_label: Tensor,
    total_area_label: Tensor,
    metrics: str | Sequence[str] = ("mIoU",),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> OrderedDict[str, np.ndarray]:
    """Turns summed counts into metrics.

    Returns:
        ``aAcc`` (pixel accuracy, a number), then per metric in the order asked for: ``IoU, Acc`` or
        ``Dice, Acc`` or ``Fscore, Precision, Recall``, each (C,); nan where a class does not occur.
    """
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [metric for metric in metrics if metric not in ALLOWED_METRICS]
    if unknown:
        raise ConfigError(
            f"metrics {unknown} is not supported (possible: {', '.join(ALLOWED_METRICS)})"
        )
    accuracy = total_area_intersect / total_area_label
    values = OrderedDict(aAcc=total_area_intersect.sum() / total_area_label.sum())
    for metric in metrics:
        if metric == "mIoU":
            values["IoU"] = total_area_intersect / total_area_union
            values["Acc"] = accuracy
        elif metric == "mDice":
            values["Dice"] = 2 * total_area_intersect / (total_area_pred_label + total_area_label)
            values["Acc"] = accuracy
        else:
            precision = total_area_intersect / total_area_pred_label
            values["Fscore"] = f_score(precision, accuracy, beta)
            values["Precision"] = precision
            values["Recall"] = accuracy
    arrays = OrderedDict((name, value.numpy()) for name, value in values.items())
    if nan_to_num is not None:
        for name, array in arrays.items():
            arrays[name] = np.nan_to_num(array, nan=nan_to_num)
    return arrays
