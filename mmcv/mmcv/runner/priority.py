"""In which order hooks run: the lower the number, the earlier."""

from __future__ import annotations

from enum import Enum


class Priority(Enum):
    """Names for levels between 0 and 100."""

    HIGHEST = 0
    VERY_HIGH = 10
    HIGH = 30
    ABOVE_NORMAL = 40
    NORMAL = 50
    BELOW_NORMAL = 60
    LOW = 70
    VERY_LOW = 90
    LOWEST = 100


def get_priority(priority: int | str | Priority) -> int:
    """Returns the level of a number, a name in any case, or a ``Priority``.

    Raises:
        ValueError: a number outside 0 ... 100.
        TypeError: anything else.
    """
    if isinstance(priority, int):
        if not 0 <= priority <= 100:
            raise ValueError(f"priority must be between 0 and 100, but got {priority}")
        return priority
    if isinstance(priority, Priority):
        return priority.value
    if isinstance(priority, str):
        return Priority[priority.upper()].value
    raise TypeError(f"priority must be an int, a str or a Priority, but got {type(priority)}")
