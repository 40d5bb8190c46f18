"""How much average precision each kind of error costs (Hoiem et al., 2012; COCO's analysis).

AP at an overlap of 0.75 and 0.5, then at 0.1 (``Loc``: errors of place forgiven), then with
detections of other classes of the same supercategory (``Sim``) and of any class (``Oth``) forgiven,
then without false detections on the background (``BG``); with missed objects forgiven it is 1.
"""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval

from mmdet.datasets.api_wrappers import COCO

STEPS = ("C75", "C50", "Loc", "Sim", "Oth", "BG", "FN")
MAX_DETECTIONS = 100


def error_curves(
    ann_file: str, found: list[dict[str, Any]], iou_type: str = "bbox"
) -> dict[str, list[str]]:
    """Returns a table with one row per class, and their mean: AP after each step.

    Args:
        ann_file: annotations in COCO's format.
        found: detections in COCO's format.
        iou_type: "bbox" or "segm".
    """
    truth = COCO(ann_file)
    detections = truth.loadRes(found)
    plain = _precision(truth, detections, iou_type, [0.75, 0.5, 0.1])
    cat_ids = sorted(truth.cats)
    rows = []
    for k, cat_id in enumerate(cat_ids):
        values = [_ap(plain[t, :, k]) for t in range(3)]
        values.append(_forgiving(truth, detections, iou_type, cat_id, only_similar=True))
        values.append(_forgiving(truth, detections, iou_type, cat_id, only_similar=False))
        precision = plain[2, :, k]
        values += [_ap((precision > 0).astype(float)), 1.0]
        rows.append(np.maximum.accumulate(values))
    names = [truth.cats[cat_id]["name"] for cat_id in cat_ids]
    table = np.vstack([*rows, np.mean(rows, axis=0)])
    columns = {"class": [*names, "mean"]}
    for j, step in enumerate(STEPS):
        columns[step] = [f"{value:.3f}" for value in table[:, j]]
    return columns


def _precision(
    truth: Any, detections: Any, iou_type: str, thresholds: list[float], cat_ids: Any = None
) -> np.ndarray:
    """Returns (thresholds, recalls, classes) precisions, -1 without objects."""
    kind: Any = iou_type
    judge = COCOeval(truth, detections, kind)
    judge.params.iouThrs = np.array(thresholds)
    judge.params.maxDets = [MAX_DETECTIONS]
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
    if cat_ids is not None:
        judge.params.catIds = cat_ids
    with contextlib.redirect_stdout(io.StringIO()):
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"][:, :, :, 0, 0]


def _forgiving(
    truth: Any, detections: Any, iou_type: str, cat_id: int, *, only_similar: bool
) -> float:
    """Returns the AP of a class when its detections on objects of other classes do not count."""
    kind = truth.cats[cat_id].get("supercategory")
    changed = COCO()
    changed.dataset = copy.deepcopy(truth.dataset)
    for ann in changed.dataset["annotations"]:
        other = ann["category_id"]
        if other == cat_id:
            continue
        if not only_similar or truth.cats[other].get("supercategory") == kind:
            ann.update(ignore=1, iscrowd=1, category_id=cat_id)
            if iou_type == "segm":
                ann["segmentation"] = truth.annToRLE(truth.anns[ann["id"]])
    with contextlib.redirect_stdout(io.StringIO()):
        changed.createIndex()
    return _ap(_precision(changed, detections, iou_type, [0.1], [cat_id])[0, :, 0])


def _ap(precision: np.ndarray) -> float:
    values = precision[precision > -1]
    return float(values.mean()) if values.size else 0.0
