"""Tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def text_table(columns: Mapping[str, Iterable[Any]]) -> str:
    """Draws columns of equal length with their names above; all cells are centred.

    +------+-------+
    | aAcc |  mIoU |
    +------+-------+
    | 81.2 | 47.31 |
    +------+-------+
    """
    cells = [[name, *map(str, column)] for name, column in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    rows = [
        "|" + "|".join(f" {_centre(cell, w)} " for cell, w in zip(row, widths, strict=True)) + "|"
        for row in zip(*cells, strict=True)
    ]
    return "\n".join([rule, rows[0], rule, *rows[1:], rule])


def _centre(text: str, width: int) -> str:
    left = (width - len(text)) // 2
    return " " * left + text + " " * (width - len(text) - left)
