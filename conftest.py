"""Shared fixtures and the import order that pytest needs in this layout."""

# The folders mmcv/ ... at the root would shadow the packages of the same name: under importlib mode
# pytest inserts namespace modules for them (pytest#13257). Importing the real packages first prevents it.
import mmcv  # noqa: F401  # isort: skip
import mmdet  # noqa: F401  # isort: skip
import mmops  # noqa: F401  # isort: skip
import mmseg  # noqa: F401  # isort: skip
