"""How many objects of each class a data set has, as text."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mmcv.utils.table import text_table

COLUMNS = 5  # pairs of class and count side by side


def describe(dataset: Any) -> str:
    """Returns a line with the number of images and a table of instance counts.

    Args:
        dataset: with ``get_ann_info``, CLASSES and ``test_mode``.
    """
    kind = "Test" if dataset.test_mode else "Train"
    head = f"\n{type(dataset).__name__} {kind} dataset with number of images {len(dataset)}, "
    if dataset.CLASSES is None:
        return head + "and its categories are unknown"
    counts = Counter(
        int(label) for i in range(len(dataset)) for label in dataset.get_ann_info(i)["labels"]
    )
    rows = [(f"{i} [{name}]", str(counts[i])) for i, name in enumerate(dataset.CLASSES)]
    rows += [("", "")] * (-len(rows) % COLUMNS)
    columns: dict[str, list[str]] = {}
    for k in range(COLUMNS):
        part = rows[k::COLUMNS]
        pad = " " * k  # keys of a mapping must differ; blanks do not show
        columns[f"category{pad}"] = [name for name, _ in part]
        columns[f"count{pad}"] = [count for _, count in part]
    return f"{head}and instance counts: \n{text_table(columns)}"
