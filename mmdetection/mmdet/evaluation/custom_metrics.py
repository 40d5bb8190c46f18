"""mAP and recall of data sets that keep boxes and labels in arrays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from mmcv.image.checks import require
from mmcv.utils import print_log
from mmdet.evaluation.mean_ap import eval_map
from mmdet.evaluation.recall import eval_recalls

ALLOWED = ("mAP", "recall")


def evaluate_boxes(
    results: Sequence[Any],
    annotations: Sequence[dict[str, Any]],
    metric: str | Sequence[str],
    *,
    classes: Any,
    logger: Any,
    proposal_nums: Sequence[int],
    iou_thr: float | list[float],
    scale_ranges: Any = None,
    options: dict[str, Any] | None = None,
) -> dict[str, float]:
    """Computes what ``CustomDataset.evaluate`` and ``VOCDataset.evaluate`` return.

    Args:
        results: per image one array (k, 5) per class, or one array of proposals.
        annotations: per image ``bboxes``, ``labels`` and maybe ``bboxes_ignore``.
        metric: one of mAP and recall.
        classes: names, or the name of a data set whose way of counting is used.
        logger: where tables go.
        proposal_nums: for recall.
        iou_thr: one or several.
        scale_ranges: for mAP.
        options: further arguments of ``eval_map`` and ``eval_recalls``.
    """
    metric = _one_metric(metric)
    thresholds: Any = [iou_thr] if isinstance(iou_thr, float) else iou_thr
    values: dict[str, float] = OrderedDict()
    if metric == "mAP":
        require(isinstance(thresholds, list), f"iou_thr must be a float or a list, not {iou_thr!r}")

        def one(threshold: float) -> float:
            return eval_map(
                results,
                annotations,
                scale_ranges=scale_ranges,
                iou_thr=threshold,
                dataset=classes,
                logger=logger,
                **(options or {}),
            )[0]

        return _mean_aps(one, thresholds, logger)
    gt_bboxes = [ann["bboxes"] for ann in annotations]
    recalls = eval_recalls(
        gt_bboxes, results, proposal_nums, thresholds, logger=logger, **(options or {})
    )
    for i, num in enumerate(proposal_nums):
        for j, threshold in enumerate(thresholds):
            values[f"recall@{num}@{threshold}"] = recalls[i, j]
    if recalls.shape[1] > 1:
        for num, value in zip(proposal_nums, recalls.mean(axis=1), strict=True):
            values[f"AR@{num}"] = value
    return values


def _mean_aps(
    one: Callable[[float], float], thresholds: Sequence[float], logger: Any
) -> dict[str, float]:
    values: dict[str, float] = OrderedDict()
    means = []
    for threshold in thresholds:
        print_log(f"\n{'-' * 15}iou_thr: {threshold}{'-' * 15}", logger=logger)
        means.append(one(threshold))
        values[f"AP{int(threshold * 100):02d}"] = round(means[-1], 3)
    values["mAP"] = sum(means) / len(means)
    return values


def _one_metric(metric: str | Sequence[str]) -> str:
    if not isinstance(metric, str):
        require(len(metric) == 1, f"one metric at a time is possible, but got {metric!r}")
        metric = metric[0]
    if metric not in ALLOWED:
        raise KeyError(f"metric {metric} is not supported")
    return metric
