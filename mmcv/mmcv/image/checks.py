"""Argument checks of the image functions and transforms."""

from __future__ import annotations

from mmcv.registry import ConfigError


class InvalidArgument(ConfigError, AssertionError):
    """An argument that a function or a transform cannot work with.

    It is an ``AssertionError`` too because that is what 1.x raised and its callers catch.
    """


def require(condition: bool, message: str) -> None:
    """Raises InvalidArgument with ``message`` unless ``condition`` holds."""
    if not condition:
        raise InvalidArgument(message)
