"""Colours by name, number or value, in OpenCV's BGR order."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from mmcv.image.checks import require


class Color(Enum):
    """Named BGR colours."""

    red = (0, 0, 255)
    green = (0, 255, 0)
    blue = (255, 0, 0)
    cyan = (255, 255, 0)
    yellow = (0, 255, 255)
    magenta = (255, 0, 255)
    white = (255, 255, 255)
    black = (0, 0, 0)


def color_val(color: Color | str | Sequence[int] | int | np.ndarray) -> tuple[int, ...]:
    """Returns (b, g, r) in 0..255.

    Args:
        color: a Color or its name, three numbers, or one number for a grey.
    """
    if isinstance(color, str):
        names = ", ".join(Color.__members__)
        require(color in Color.__members__, f"no colour is called {color!r} (possible: {names})")
        return Color[color].value
    if isinstance(color, Color):
        return color.value
    if isinstance(color, (tuple, np.ndarray)):
        values = tuple(int(value) for value in color)
        require(
            len(values) == 3 and all(0 <= value <= 255 for value in values),
            f"a colour is three numbers in 0..255, but got {color!r}",
        )
        return values
    if isinstance(color, int):
        require(0 <= color <= 255, f"a grey is a number in 0..255, but got {color!r}")
        return color, color, color
    raise TypeError(f"Invalid type for color: {type(color)}")
