"""Mean average precision as of VOC and ImageNet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.registry import ConfigError
from mmcv.utils import print_log
from mmcv.utils.table import text_table
from mmdet.evaluation.class_names import get_classes
from mmdet.evaluation.matching import AreaRanges, tpfp_default, tpfp_imagenet

IMAGENET = ("det", "vid")  # data sets that are matched in ImageNet's way


def average_precision(recalls: np.ndarray, precisions: np.ndarray, mode: str = "area") -> Any:
    """Returns the area under curves of precision over recall.

    Args:
        recalls: (scales, detections) or (detections,), ascending.
        precisions: of the same shape.
        mode: "area", or "11points": the mean of the best precision at recalls of 0, 0.1, ... 1.

    Returns:
        (scales,) float32, or a scalar
    """
    has_no_scale = recalls.ndim == 1
    recalls, precisions = np.atleast_2d(recalls), np.atleast_2d(precisions)
    require(
        recalls.shape == precisions.shape and recalls.ndim == 2,
        f"recalls and precisions differ in shape: {recalls.shape}, {precisions.shape}",
    )
    if mode == "area":
        ap = np.array([_area(r, p) for r, p in zip(recalls, precisions, strict=True)])
    elif mode == "11points":
        ap = np.array([_eleven(r, p) for r, p in zip(recalls, precisions, strict=True)])
    else:
        raise ValueError('Unrecognized mode, only "area" and "11points" are supported')
    ap = ap.astype(np.float32)
    return ap[0] if has_no_scale else ap


def _area(recalls: np.ndarray, precisions: np.ndarray) -> float:
    recalls = np.concatenate([[0], recalls, [1]]).astype(recalls.dtype)
    precisions = np.concatenate([[0], precisions, [0]]).astype(precisions.dtype)
    best = np.maximum.accumulate(precisions[::-1])[::-1]
    steps = np.where(recalls[1:] != recalls[:-1])[0]
    return np.sum((recalls[steps + 1] - recalls[steps]) * best[steps + 1])


def _eleven(recalls: np.ndarray, precisions: np.ndarray) -> float:
    total = np.float32(0)
    for threshold in np.arange(0, 1 + 1e-3, 0.1):
        reached = precisions[recalls >= threshold]
        total += reached.max() if reached.size else 0
    return total / np.float32(11)


def eval_map(
    det_results: Sequence[Sequence[np.ndarray]],
    annotations: Sequence[dict[str, Any]],
    scale_ranges: Sequence[tuple[float, float]] | None = None,
    iou_thr: float = 0.5,
    ioa_thr: float | None = None,
    dataset: Any = None,
    logger: Any = None,
    tpfp_fn: Callable[..., Any] | None = None,
    nproc: int = 4,
    use_legacy_coordinate: bool = False,
    use_group_of: bool = False,
) -> tuple[Any, Any]:
    """Computes and logs the average precision of each class and their mean.

    Args:
        det_results: per image one array (k, 5) of boxes with scores per class.
        annotations: per image ``bboxes`` (n, 4), ``labels`` (n,), and maybe ``bboxes_ignore`` and
            ``labels_ignore``.
        scale_ranges: ranges of the square root of the area, evaluated one by one.
        iou_thr: overlap from which on a box matches.
        ioa_thr: of Open Images; not supported.
        dataset: names of the classes, or the name of a data set: "voc07" averages over 11 points,
            "det" and "vid" match as ImageNet does.
        logger: where tables go; "silent": nowhere.
        tpfp_fn: called instead of tpfp_default or tpfp_imagenet.
        nproc: accepted; matching is fast enough in one process.
        use_legacy_coordinate: see bbox_overlaps.
        use_group_of: of Open Images; not supported.

    Returns:
        The mean (one per range, if there are ranges), and per class a dict with ``num_gts``,
        ``num_dets``, ``recall``, ``precision`` and ``ap``.
    """
    require(len(det_results) == len(annotations), "there must be one result per annotated image")
    if use_group_of or ioa_thr is not None:
        raise ConfigError("use_group_of and ioa_thr are of Open Images, which is not supported")
    areas = [(lo**2, hi**2) for lo, hi in scale_ranges] if scale_ranges is not None else None
    match = _matching(tpfp_fn, dataset)
    kind = "11points" if dataset == "voc07" else "area"
    results = []
    for label in range(len(det_results[0])):
        detections, truths, ignored = get_cls_results(det_results, annotations, label)
        matched = [
            match(d, t, i, iou_thr, areas, use_legacy_coordinate)
            for d, t, i in zip(detections, truths, ignored, strict=True)
        ]
        counts = _count_truths(truths, areas, use_legacy_coordinate)
        results.append(_class_result(detections, matched, counts, kind, areas is not None))
    mean_ap = _mean(results, areas)
    print_map_summary(mean_ap, results, dataset, areas, logger=logger)
    return mean_ap, results


def _matching(tpfp_fn: Any, dataset: Any) -> Callable[..., Any]:
    if tpfp_fn is None:
        return tpfp_imagenet if dataset in IMAGENET else tpfp_default
    if not callable(tpfp_fn):
        raise ValueError(f"tpfp_fn has to be a function or None, but got {tpfp_fn}")
    return tpfp_fn


def get_cls_results(
    det_results: Sequence[Any], annotations: Sequence[dict[str, Any]], class_id: int
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Returns detections, boxes and boxes to ignore of one class, per image."""
    detections = [per_class[class_id] for per_class in det_results]
    truths, ignored = [], []
    for ann in annotations:
        truths.append(ann["bboxes"][ann["labels"] == class_id, :])
        if ann.get("labels_ignore") is not None:
            ignored.append(ann["bboxes_ignore"][ann["labels_ignore"] == class_id, :])
        else:
            ignored.append(np.empty((0, 4), dtype=np.float32))
    return detections, truths, ignored


def _count_truths(truths: Sequence[np.ndarray], areas: AreaRanges, is_legacy: bool) -> np.ndarray:
    if areas is None:
        return np.array([sum(len(boxes) for boxes in truths)])
    extra = 1.0 if is_legacy else 0.0
    counts = np.zeros(len(areas), dtype=int)
    for boxes in truths:
        sizes = (boxes[:, 2] - boxes[:, 0] + extra) * (boxes[:, 3] - boxes[:, 1] + extra)
        counts += [int(np.sum((sizes >= low) & (sizes < high))) for low, high in areas]
    return counts


def _class_result(
    detections: Sequence[np.ndarray],
    matched: Sequence[Any],
    counts: np.ndarray,
    kind: str,
    has_ranges: bool,
) -> dict[str, Any]:
    boxes = np.vstack(detections)
    order = np.argsort(-boxes[:, -1])
    true = np.cumsum(np.hstack([m[0] for m in matched])[:, order], axis=1)
    false = np.cumsum(np.hstack([m[1] for m in matched])[:, order], axis=1)
    eps = np.finfo(np.float32).eps
    recalls = true / np.maximum(counts[:, np.newaxis], eps)
    precisions = true / np.maximum(true + false, eps)
    if not has_ranges:
        recalls, precisions, counts = recalls[0, :], precisions[0, :], counts.item()
    return {
        "num_gts": counts,
        "num_dets": len(boxes),
        "recall": recalls,
        "precision": precisions,
        "ap": average_precision(recalls, precisions, kind),
    }


def _mean(results: Sequence[dict[str, Any]], areas: AreaRanges) -> Any:
    """Averages over the classes that occur; 0 if none does."""
    if areas is None:
        aps = [r["ap"] for r in results if r["num_gts"] > 0]
        return np.array(aps).mean().item() if aps else 0.0
    aps = np.vstack([r["ap"] for r in results])
    counts = np.vstack([r["num_gts"] for r in results])
    occur = [counts[:, i] > 0 for i in range(len(areas))]
    return [aps[has, i].mean() if has.any() else 0.0 for i, has in enumerate(occur)]


def print_map_summary(
    mean_ap: Any,
    results: Sequence[dict[str, Any]],
    dataset: Any = None,
    scale_ranges: Any = None,
    logger: Any = None,
) -> None:
    """Logs a table per range of sizes: objects, detections, recall and AP of each class.

    Args:
        mean_ap: of eval_map.
        results: of eval_map.
        dataset: names of the classes, or the name of a data set.
        scale_ranges: ranges of the area.
        logger: where tables go; "silent": nowhere.
    """
    if logger == "silent":
        return
    names = _names(dataset, len(results))
    means = [mean_ap] if scale_ranges is None else mean_ap
    for i, mean in enumerate(means):
        if scale_ranges is not None:
            print_log(f"Scale range {scale_ranges[i]}", logger=logger)
        values = [_row(result, i) for result in results]
        counts, detections, recalls, aps = (list(column) for column in zip(*values, strict=True))
        table = {
            "class": [*names, "mAP"],
            "gts": [*counts, ""],
            "dets": [*detections, ""],
            "recall": [*recalls, ""],
            "ap": [*aps, f"{mean:.3f}"],
        }
        print_log("\n" + text_table(table), logger=logger)


def _names(dataset: Any, count: int) -> Sequence[str]:
    if dataset is None:
        return [str(i) for i in range(count)]
    return get_classes(dataset) if isinstance(dataset, str) else dataset


def _row(result: dict[str, Any], i: int) -> tuple[Any, Any, str, str]:
    recalls = np.atleast_2d(result["recall"])[i]
    recall = recalls[-1] if recalls.size else 0
    ap = np.atleast_1d(result["ap"])[i]
    return np.atleast_1d(result["num_gts"])[i], result["num_dets"], f"{recall:.3f}", f"{ap:.3f}"
