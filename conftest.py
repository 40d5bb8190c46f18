"""Shared fixtures and the import order that pytest needs in this layout."""

# The folders mmcv/ ... at the root would shadow the packages of the same name: under importlib
# mode pytest inserts namespace modules for them (pytest#13257). Importing the real packages first
# prevents it.
import mmcv  # noqa: F401  # isort: skip
import mmdet  # noqa: F401  # isort: skip
import mmops  # noqa: F401  # isort: skip
import mmseg  # noqa: F401  # isort: skip

import os

import pytest
import torch
from hypothesis import settings

# Twice the same commit must give twice the same result; HYPOTHESIS_PROFILE=explore searches on.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items):
    """Skips tests marked ``gpu`` where there is no CUDA device."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
