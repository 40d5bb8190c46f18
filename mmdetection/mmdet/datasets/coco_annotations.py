"""From the annotations of one image in COCO's json to arrays."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmdet.datasets.annotation_checks import Findings, box_problem, is_unusable


def parse_annotations(
    annotations: Sequence[Mapping[str, Any]],
    info: Mapping[str, Any],
    cat2label: Mapping[int, int],
    findings: Findings | None = None,
) -> dict[str, Any]:
    """Returns the objects of an image.

    Left out are objects of other categories, with ``ignore``, and those whose box is of no use.

    Args:
        annotations: of the image.
        info: its ``width`` and ``height``.
        cat2label: category id -> label.
        findings: takes notes of boxes of no use.

    Returns:
        ``bboxes`` (n, 4) float32 x1 y1 x2 y2, ``labels`` (n,) int64, ``masks``: n segmentations or
        None, ``bboxes_ignore`` (k, 4) float32 of crowd regions.
    """
    boxes, labels, masks, crowds = [], [], [], []
    for ann in annotations:
        if ann.get("ignore", False):
            continue
        problem = box_problem(ann, info["width"], info["height"])
        if problem is not None:
            if findings is not None:
                findings.add(problem, f"id {ann.get('id')} of {info.get('filename')}")
            continue
        if ann["category_id"] not in cat2label:
            continue
        x, y, w, h = ann["bbox"]
        box = [x, y, x + w, y + h]
        if ann.get("iscrowd", False):
            crowds.append(box)
            continue
        boxes.append(box)
        labels.append(cat2label[ann["category_id"]])
        masks.append(ann.get("segmentation"))
    return {
        "bboxes": _boxes(boxes),
        "labels": np.array(labels, dtype=np.int64),
        "bboxes_ignore": _boxes(crowds),
        "masks": masks,
    }


def drop_unusable(coco: Any, infos: Sequence[Mapping[str, Any]], findings: Findings) -> None:
    """Takes annotations out that would break training or evaluation, such as NaN boxes.

    Args:
        coco: the annotation file, changed in place.
        infos: its images.
        findings: takes notes.
    """
    dropped: set[int] = set()
    for info in infos:
        for ann in coco.imgToAnns[info["id"]]:
            problem = is_unusable(ann, info)
            if problem is not None:
                findings.add(problem, f"id {ann.get('id')} of {info.get('filename')}")
                dropped.add(id(ann))
    if not dropped:
        return
    coco.dataset["annotations"] = [a for a in coco.dataset["annotations"] if id(a) not in dropped]
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()


def _boxes(boxes: list[list[float]]) -> np.ndarray:
    return np.array(boxes, dtype=np.float32).reshape(-1, 4)
