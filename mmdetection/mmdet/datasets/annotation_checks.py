"""What can be wrong with annotations: found when they are read, said by name, once."""

from __future__ import annotations

import logging
import math
import os.path as osp
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from pycocotools import mask as mask_utils

from mmcv.data.errors import DataError
from mmcv.registry import ConfigError, did_you_mean

logger = logging.getLogger(__name__)

SHOWN = 3  # examples of a problem that are named
# EXIF: the tag of the orientation, and its values that swap width and height.
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
MOST_CHECKED = 500  # images whose size is read before a run starts


class AnnotationError(ConfigError, AssertionError):
    """An annotation file that cannot be used.

    It is an ``AssertionError`` too because that is what 1.x raised here.
    """


class SizeError(DataError):
    """An image that has not the size that its annotation file says."""


def require_size(size: tuple[int, int], info: Mapping[str, Any], path: str) -> None:
    """Raises SizeError unless an image has the height and width of its entry.

    Args:
        size: height and width of the image.
        info: may have ``height`` and ``width``.
        path: of the image.
    """
    if "width" not in info or "height" not in info:
        return
    if size != (info["height"], info["width"]):
        raise SizeError(
            f"image file {path} is {size[1]}x{size[0]} pixels, but the annotation file says"
            f" {info['width']}x{info['height']}: boxes and masks would be in the wrong places;"
            " check img_prefix, or that the image was not resized or turned (EXIF)"
        )


def check_images(dataset: Any) -> None:
    """Raises ConfigError for a data set without images, or whose images are of other sizes.

    The sizes of some images, spread over the data set, are read; the others are looked at when
    they are loaded.
    """
    if len(dataset):
        step = max(len(dataset) // MOST_CHECKED, 1)
        for info in dataset.data_infos[::step]:
            _check_file(dataset, info)
        return
    raise ConfigError(
        f"ann_file: {dataset.ann_file!r} has no image left: none is listed, or all are smaller than"
        " 32 pixels or without objects of the classes (filter_empty_gt=False keeps these)"
    )


def _check_file(dataset: Any, info: Mapping[str, Any]) -> None:
    name = info.get("filename")
    if not isinstance(name, str):
        return
    path = osp.join(dataset.img_prefix or "", name)
    if not osp.isfile(path):  # maybe of another storage; loading says what is wrong
        return
    try:
        with Image.open(path) as img:
            width, height = img.size
            if img.getexif().get(ORIENTATION, 1) in TURNED:
                width, height = height, width
    except OSError:
        return  # the loading step names files that are broken
    require_size((height, width), info, path)


class Findings:
    """Problems of single annotations, gathered by kind and reported in one line per kind."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.examples: dict[str, list[str]] = defaultdict(list)
        self.counts: dict[str, int] = defaultdict(int)

    def add(self, problem: str, example: str) -> None:
        """Notes one annotation with a problem."""
        self.counts[problem] += 1
        if len(self.examples[problem]) < SHOWN:
            self.examples[problem].append(example)

    def report(self) -> None:
        """Logs a warning per kind."""
        for problem, count in self.counts.items():
            shown = ", ".join(self.examples[problem])
            more = ", ..." if count > SHOWN else ""
            logger.warning("%s: %d %s (%s%s)", self.source, count, problem, shown, more)


def box_problem(ann: Mapping[str, Any], width: float, height: float) -> str | None:
    """Returns what makes an annotation's box useless, or None.

    Args:
        ann: ``bbox`` x, y, w, h; ``area``, if it is there.
        width: of the image.
        height: of the image.
    """
    box = ann.get("bbox")
    if not isinstance(box, Sequence) or len(box) != 4:
        return "boxes are missing or not of the form x, y, width, height"
    if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in box):
        return "boxes hold NaN or no numbers"
    x, y, w, h = box
    if w < 0 or h < 0:
        return "boxes have a negative width or height"
    if w < 1 or h < 1 or _area(ann) <= 0:
        return "boxes have no area or are thinner than a pixel"
    if min(x + w, width) <= max(x, 0) or min(y + h, height) <= max(y, 0):
        return "boxes lie outside of their image"
    return None


def is_unusable(ann: Mapping[str, Any], info: Mapping[str, Any]) -> str | None:
    """Returns why an annotation can neither be learnt nor evaluated, or None.

    Args:
        ann: an annotation in COCO's format.
        info: ``width`` and ``height`` of its image.
    """
    box = ann.get("bbox")
    if not isinstance(box, Sequence) or len(box) != 4 or not all(map(_is_number, box)):
        return "boxes are missing or hold NaN"
    if "category_id" not in ann:
        return "objects have no category_id"
    segmentation = ann.get("segmentation")
    if isinstance(segmentation, Mapping):
        return _rle_problem(segmentation, info)
    if isinstance(segmentation, Sequence) and not isinstance(segmentation, str):
        try:
            finite = all(math.isfinite(sum(polygon)) for polygon in segmentation)
        except TypeError:
            return "masks are no lists of polygons"
        return None if finite else "polygons hold NaN"
    return None if segmentation is None else "masks are neither polygons nor RLE"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _rle_problem(segmentation: Mapping[str, Any], info: Mapping[str, Any]) -> str | None:
    size = (info["height"], info["width"])
    if tuple(segmentation.get("size", ())) != size:
        return "masks are RLE of another size than their image"
    counts = segmentation.get("counts")
    if isinstance(counts, Sequence) and not isinstance(counts, str):
        covers = sum(counts) == size[0] * size[1] and min(counts, default=0) >= 0
        return None if covers else "masks are RLE that does not cover the image"
    try:
        rle: Any = dict(segmentation)
        mask_utils.decode(rle)
    except (ValueError, TypeError, MemoryError):
        return "masks are broken RLE"
    return None


def _area(ann: Mapping[str, Any]) -> float:
    area = ann.get("area", ann["bbox"][2] * ann["bbox"][3])
    return area if isinstance(area, (int, float)) and math.isfinite(area) else 0


def check_categories(
    source: str, known: Mapping[str, int], classes: Sequence[str], *, explicit: bool
) -> dict[int, int]:
    """Returns category id -> label: the index of its name in ``classes``.

    Args:
        source: the annotation file, for messages.
        known: name -> id, in the order of the file.
        classes: names of the labels.
        explicit: whether the user listed ``classes``.

    Raises:
        AnnotationError: no class, or a class that the user listed, is in the file.
    """
    missing = [name for name in classes if name not in known]
    found = [name for name in classes if name in known]
    if missing and not found:
        hint = did_you_mean(missing[0], known)
        raise AnnotationError(
            f"ann_file: {source} has none of the {len(classes)} classes, such as {missing[0]!r}"
            f"{hint}; its categories are {_listed(known)}: set classes=[...] to them"
        )
    if missing:
        hint = did_you_mean(missing[0], known)
        logger.warning(
            "%s has no category for %d of %d classes, which are not evaluated: %s%s",
            source,
            len(missing),
            len(classes),
            _listed(missing),
            hint if explicit else "",
        )
    unused = [name for name in known if name not in set(classes)]
    if unused:
        logger.warning(
            "%s: objects of %d categories are left out, classes does not name them: %s",
            source,
            len(unused),
            _listed(unused),
        )
    if found != [name for name in known if name in set(found)]:
        logger.warning("%s lists its categories in another order: labels follow classes", source)
    return {known[name]: classes.index(name) for name in found}


def _listed(names: Any) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:8]) + (f", ... ({len(names)})" if len(names) > 8 else "")
