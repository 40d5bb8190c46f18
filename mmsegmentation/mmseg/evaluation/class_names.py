"""Class names and palettes by the name of a data set."""

from __future__ import annotations

import copy

from mmcv.registry import did_you_mean
from mmseg.evaluation.label_sets import ALIASES, LabelSet


def get_classes(dataset: str) -> list[str]:
    """Returns the class names of a data set, such as ``"ade20k"`` or ``"cocostuff"``."""
    return list(_label_set(dataset).names)


def get_palette(dataset: str) -> list[list[int]]:
    """Returns the RGB colours (0..255) of a data set's classes."""
    return copy.deepcopy(_label_set(dataset).palette)


def _label_set(dataset: str) -> LabelSet:
    if not isinstance(dataset, str):
        raise TypeError(f"dataset must be a str, but got {type(dataset)}")
    if dataset not in ALIASES:
        hint = did_you_mean(dataset, ALIASES)
        raise ValueError(f"Unrecognized dataset: {dataset}{hint} (possible: {', '.join(ALIASES)})")
    return ALIASES[dataset]
