"""Versions that a report about a problem needs."""

from __future__ import annotations

import mmdet
from mmcv.utils import collect_env as collect_base_env
from mmcv.utils import get_git_hash


def collect_env() -> dict[str, str]:
    """Returns names and versions of what a run depends on."""
    return {**collect_base_env(), "MMDetection": f"{mmdet.__version__}+{get_git_hash()[:7]}"}
