"""Numbers of channels that hardware likes."""

from __future__ import annotations


def make_divisible(
    value: float, divisor: int, min_value: int | None = None, min_ratio: float = 0.9
) -> int:
    """Rounds to a multiple of ``divisor``.

    Args:
        value: number of channels.
        divisor: of the result.
        min_value: least result; by default ``divisor``.
        min_ratio: the result is at least this share of ``value``.
    """
    least = divisor if min_value is None else min_value
    rounded = max(least, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < min_ratio * value else rounded
