"""COCO's average precision and recall; pycocotools defines them."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmcv.fileio import load
from mmcv.registry import ConfigError, did_you_mean
from mmcv.utils import print_log
from mmcv.utils.table import text_table
from mmdet.evaluation.recall import eval_recalls

ALLOWED = ("bbox", "segm", "proposal", "proposal_fast")
# Where pycocotools' summary has each value.
ITEMS = {
    "mAP": 0,
    "mAP_50": 1,
    "mAP_75": 2,
    "mAP_s": 3,
    "mAP_m": 4,
    "mAP_l": 5,
    "AR@100": 6,
    "AR@300": 7,
    "AR@1000": 8,
    "AR_s@1000": 9,
    "AR_m@1000": 10,
    "AR_l@1000": 11,
}
PRECISIONS = tuple(ITEMS)[:6]
RECALLS = tuple(ITEMS)[6:]
BACKENDS = ("pycocotools", "faster_coco_eval")


@dataclass
class Options:
    """How results are evaluated; see ``CocoDataset.evaluate``."""

    logger: Any = None
    classwise: bool = False
    proposal_nums: Sequence[int] = (100, 300, 1000)
    iou_thrs: Any = None
    metric_items: Any = None
    backend: str = "pycocotools"

    def thresholds(self) -> np.ndarray:
        """Returns the thresholds of the overlap."""
        if self.iou_thrs is None:
            return np.linspace(0.5, 0.95, 10, endpoint=True)
        return np.atleast_1d(np.asarray(self.iou_thrs))

    def items(self, default: Sequence[str]) -> Sequence[str]:
        """Returns the names of the values asked for.

        Raises:
            KeyError: one of them is unknown.
        """
        if self.metric_items is None:
            return default
        items = self.metric_items
        items = items if isinstance(items, (list, tuple)) else [items]
        for item in items:
            if item not in ITEMS:
                raise KeyError(f"metric item {item} is not supported")
        return items


def evaluate_files(
    dataset: Any,
    results: Sequence[Any],
    files: dict[str, str],
    coco_gt: Any,
    metrics: Sequence[str],
    options: Options,
) -> dict[str, Any]:
    """Evaluates result files; see ``CocoDataset.evaluate``.

    Args:
        dataset: ``img_ids`` and ``cat_ids`` say what is evaluated.
        results: per image, for ``proposal_fast``.
        files: per kind of result, in COCO's format.
        coco_gt: the annotations.
        metrics: of ALLOWED.
        options: how.
    """
    values: dict[str, Any] = OrderedDict()
    for metric in metrics:
        start = "\n" if options.logger is None else ""
        print_log(f"{start}Evaluating {metric}...", logger=options.logger)
        if metric == "proposal_fast":
            values.update(fast_proposals(dataset, results, options))
            continue
        iou_type = "bbox" if metric == "proposal" else metric
        if iou_type not in files and metric not in files:
            raise KeyError(f"{metric} is not in results")
        found = _read_detections(coco_gt, files[metric], iou_type)
        if found is None:
            print_log(
                "The testing results of the whole dataset is empty.",
                logger=options.logger,
                level=logging.ERROR,
            )
            break
        judge = run_coco_eval(dataset, coco_gt, found, iou_type, options, metric == "proposal")
        if metric == "proposal":
            values.update(_stats(judge, options.items(RECALLS), prefix=""))
            continue
        if options.classwise:
            print_log("\n" + class_table(judge, coco_gt), logger=options.logger)
        values.update(_stats(judge, options.items(PRECISIONS), prefix=f"{metric}_"))
        first = " ".join(f"{value:.3f}" for value in judge.stats[:6])
        values[f"{metric}_mAP_copypaste"] = first
    return values


def run_coco_eval(
    dataset: Any, coco_gt: Any, found: list[Any], iou_type: str, options: Options, agnostic: bool
) -> Any:
    """Returns the evaluation, computed, with its summary logged.

    Args:
        dataset: ``img_ids`` and ``cat_ids``.
        coco_gt: the annotations.
        found: detections in COCO's format.
        iou_type: "bbox" or "segm".
        options: thresholds, numbers of detections, where to log, backend.
        agnostic: do not tell classes apart (proposals).
    """
    evaluator, truth = _backend(options.backend, coco_gt)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):  # pycocotools prints what it does
        judge = evaluator(truth, truth.loadRes(found), iou_type)
        judge.params.catIds = dataset.cat_ids
        judge.params.imgIds = dataset.img_ids
        judge.params.maxDets = list(options.proposal_nums)
        judge.params.iouThrs = options.thresholds()
        if agnostic:
            judge.params.useCats = 0
        judge.evaluate()
        judge.accumulate()
        printed.truncate(0)
        printed.seek(0)
        judge.summarize()
    print_log("\n" + printed.getvalue(), logger=options.logger)
    return judge


def _backend(name: str, coco_gt: Any) -> tuple[Any, Any]:
    if name == "pycocotools":
        from pycocotools.cocoeval import COCOeval

        return COCOeval, coco_gt
    if name != "faster_coco_eval":
        hint = did_you_mean(name, BACKENDS)
        raise ConfigError(
            f"evaluation.backend={name!r} is unknown{hint} (possible: {', '.join(BACKENDS)})"
        )
    try:
        from faster_coco_eval import COCO, COCOeval_faster  # type: ignore[import-not-found]
    except ImportError:
        raise ConfigError(
            "evaluation.backend='faster_coco_eval' needs a package: pip install faster-coco-eval"
        ) from None
    truth = COCO()
    truth.dataset = coco_gt.dataset
    truth.createIndex()
    # Its summary has no name for three limits of detections; ours reads the same places.
    return COCOeval_faster, truth


def _read_detections(coco_gt: Any, path: str, iou_type: str) -> list[Any] | None:
    found = load(path)
    if not found:
        return None
    if iou_type == "segm":
        # With a box pycocotools would take the area of the box for that of the mask, and count the
        # object as small, medium or large by it.
        for one in found:
            one.pop("bbox")
    return found


def _stats(judge: Any, items: Sequence[str], prefix: str) -> dict[str, float]:
    return {prefix + item: float(f"{judge.stats[ITEMS[item]]:.3f}") for item in items}


def class_table(judge: Any, coco_gt: Any) -> str:
    """Returns a table of the AP of each class.

    Args:
        judge: evaluation that was accumulated.
        coco_gt: has the names of the categories.
    """
    # precision: (thresholds, recalls, classes, areas, limits); -1 where nothing is to be found
    precisions = judge.eval["precision"]
    cells = []
    for k, cat_id in enumerate(judge.params.catIds):
        values = precisions[:, :, k, 0, -1]
        values = values[values > -1]
        ap = float(np.mean(values)) if values.size else float("nan")
        cells += [coco_gt.loadCats([int(cat_id)])[0]["name"], f"{ap:0.3f}"]
    width = min(6, len(cells))
    rows = itertools.zip_longest(*[cells[i::width] for i in range(width)], fillvalue="")
    columns = list(zip(*rows, strict=True))
    names = [("category" if i % 2 == 0 else "AP") + " " * (i // 2) for i in range(width)]
    return text_table(dict(zip(names, columns, strict=True)))


def fast_proposals(dataset: Any, results: Sequence[Any], options: Options) -> dict[str, float]:
    """Returns the recall of proposals per number of them; see ``evaluate_files``."""
    if isinstance(results[0], tuple):
        raise KeyError("proposal_fast is not supported for instance segmentation result.")
    recalls = dataset.fast_eval_recall(
        results, options.proposal_nums, options.thresholds(), logger="silent"
    )
    values = {f"AR@{num}": value for num, value in zip(options.proposal_nums, recalls, strict=True)}
    lines = "".join(f"\n{name}\t{value:.4f}" for name, value in values.items())
    print_log(lines, logger=options.logger)
    return values


def fast_eval_recall(
    coco_gt: Any,
    img_ids: Sequence[int],
    results: Sequence[Any],
    proposal_nums: Any,
    iou_thrs: Any,
    *,
    logger: Any = None,
) -> np.ndarray:
    """Returns the recall, averaged over thresholds, per number of proposals.

    Args:
        coco_gt: the annotations; crowd regions do not count.
        img_ids: of the images.
        results: proposals (k, 5) per image.
        proposal_nums: how many of them are looked at.
        iou_thrs: thresholds of the overlap.
        logger: where the table goes.
    """
    truths = []
    for img_id in img_ids:
        anns = coco_gt.loadAnns(coco_gt.getAnnIds(imgIds=[img_id]))
        boxes = [a["bbox"] for a in anns if not (a.get("ignore", False) or a.get("iscrowd", 0))]
        array = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        array[:, 2:] += array[:, :2]
        truths.append(array)
    recalls = eval_recalls(truths, results, proposal_nums, iou_thrs, logger=logger)
    return recalls.mean(axis=1)
