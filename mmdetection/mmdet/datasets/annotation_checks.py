"""What can be wrong with annotations: found when they are read, said by name, once."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.registry import ConfigError, did_you_mean

logger = logging.getLogger(__name__)

SHOWN = 3  # examples of a problem that are named


class AnnotationError(ConfigError, AssertionError):
    """An annotation file that cannot be used.

    It is an ``AssertionError`` too because that is what 1.x raised here.
    """


def check_images(dataset: Any) -> None:
    """Raises ConfigError for a data set without images."""
    if len(dataset):
        return
    raise ConfigError(
        f"ann_file: {dataset.ann_file!r} has no image left: none is listed, or all are smaller than"
        " 32 pixels or without objects of the classes (filter_empty_gt=False keeps these)"
    )


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
