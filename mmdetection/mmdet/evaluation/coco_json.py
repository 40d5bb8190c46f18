"""Results in COCO's format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmcv.fileio import dump
from mmdet.evaluation.records import encode_mask


def xyxy2xywh(bbox: Any) -> list[float]:
    """Turns a box x1, y1, x2, y2 (further values are left out) into x, y, width, height."""
    x1, y1, x2, y2 = np.asarray(bbox).tolist()[:4]
    return [x1, y1, x2 - x1, y2 - y1]


def proposals_to_json(
    results: Sequence[Any], img_ids: Sequence[int], cat_id: int = 1
) -> list[dict[str, Any]]:
    """Returns proposals, (k, 5) per image, as boxes of one category."""
    return [
        _record(img_id, box, cat_id)
        for img_id, boxes in zip(img_ids, results, strict=True)
        for box in boxes
    ]


def boxes_to_json(
    results: Sequence[Any], img_ids: Sequence[int], label2cat: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Returns boxes, one array (k, 5) per class and image, of the categories that there are."""
    return [
        _record(img_id, box, label2cat[label])
        for img_id, per_class in zip(img_ids, results, strict=True)
        for label, boxes in enumerate(per_class)
        if label in label2cat
        for box in boxes
    ]


def masks_to_json(
    results: Sequence[Any], img_ids: Sequence[int], label2cat: Mapping[int, int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns boxes and masks of results that are tuples of both.

    A mask's score is its box's, unless a mask scoring head gives it one: then the second part of
    the tuple is itself a tuple of masks and scores.
    """
    boxes, masks = [], []
    for img_id, (detections, segmentations) in zip(img_ids, results, strict=True):
        boxes += boxes_to_json([detections], [img_id], label2cat)
        masks += [
            {**_record(img_id, box, cat_id), "score": float(score), "segmentation": _readable(mask)}
            for cat_id, box, mask, score in _instances(detections, segmentations, label2cat)
        ]
    return boxes, masks


def _instances(
    detections: Any, segmentations: Any, label2cat: Mapping[int, int]
) -> Iterator[tuple[int, Any, Any, float]]:
    scores = None
    if isinstance(segmentations, tuple):
        segmentations, scores = segmentations
    for label, boxes in enumerate(detections):
        if label not in label2cat:
            continue
        own = [box[4] for box in boxes] if scores is None else scores[label]
        for i, box in enumerate(boxes):
            yield label2cat[label], box, segmentations[label][i], own[i]


def _record(img_id: int, box: Any, cat_id: int) -> dict[str, Any]:
    record = {"image_id": img_id, "bbox": xyxy2xywh(box), "score": float(box[4])}
    return {**record, "category_id": cat_id}


def _readable(mask: Any) -> dict[str, Any]:
    rle = dict(encode_mask(mask))
    if isinstance(rle["counts"], bytes):
        rle["counts"] = rle["counts"].decode()
    return rle


def write(dataset: Any, results: Sequence[Any], prefix: str) -> dict[str, str]:
    """Writes what kind of results there is; see ``CocoDataset.results2json``.

    Raises:
        TypeError: results are of another kind.
    """
    first = results[0]
    if isinstance(first, list):
        return _dump({"bbox": dataset._det2json(results)}, prefix)
    if isinstance(first, tuple):
        boxes, masks = dataset._segm2json(results)
        return _dump({"bbox": boxes, "segm": masks}, prefix)
    if isinstance(first, np.ndarray):
        return _dump({"proposal": dataset._proposal2json(results)}, prefix)
    raise TypeError("invalid type of results")


def _dump(parts: Mapping[str, list[Any]], prefix: str) -> dict[str, str]:
    files = {}
    for kind, records in parts.items():
        files[kind] = f"{prefix}.{kind}.json"
        dump(records, files[kind])
    if "bbox" in files:
        files.setdefault("proposal", files["bbox"])
    return files
