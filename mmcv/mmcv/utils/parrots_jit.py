"""``mmcv.jit``: marked functions for a compiler of one vendor; here it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def jit(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Returns ``func`` unchanged; usable as ``@jit`` and as ``@jit(derivate=True, ...)``.

    Args:
        func: the decorated function.
        options: accepted and unused: check_input, full_shape, derivate, coderize, optimize.
    """
    return (lambda decorated: decorated) if func is None else func


def skip_no_elena(func: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``func`` unchanged."""
    return func
