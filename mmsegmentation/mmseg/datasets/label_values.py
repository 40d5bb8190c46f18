"""How the values of label maps are renumbered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def reduce_zero(seg_map: np.ndarray) -> np.ndarray:
    """Makes 0 an ignored value: 0 -> 255, 1 -> 0, 2 -> 1, ...; 255 stays.

    Args:
        seg_map: (H, W) uint8; not changed.
    """
    reduced = seg_map - np.uint8(1)  # 0 wraps to 255
    reduced[reduced == 254] = 255
    return reduced


def apply_label_map(seg_map: np.ndarray, label_map: Mapping[int, int]) -> np.ndarray:
    """Replaces old label values by new ones; -1 (a dropped class) becomes 255.

    Args:
        seg_map: (H, W) uint8; not changed.
        label_map: old value -> new value; other values stay.
    """
    table = np.arange(256, dtype=np.int64)
    for old, new in label_map.items():
        if 0 <= old < 256:
            table[old] = new
    return table.astype(np.uint8)[seg_map]


def undo_label_map(labels: np.ndarray, label_map: Mapping[int, int]) -> np.ndarray:
    """Gives new labels 0 .. n - 1 their old values back.

    Args:
        labels: (H, W) integers.
        label_map: old value -> new value, -1 for dropped ones.
    """
    old_of_new = {new: old for old, new in label_map.items() if new >= 0}
    return np.array([old_of_new[new] for new in range(len(old_of_new))])[labels]


def before_reduction(label_map: Mapping[int, int]) -> dict[int, int]:
    """Returns the label map that does the same when it comes *before* :func:`reduce_zero`.

    Label maps number the classes, files with a zero label number them from 1.
    """
    return {old + 1: new + 1 if new >= 0 else 0 for old, new in label_map.items()}
