"""Process-wide settings with detection's defaults."""

from __future__ import annotations

import os
from typing import Any

from mmcv.utils.process_settings import setup_multi_processes as _setup

# What 1.x sets where a config says nothing.
DEFAULTS = {"mp_start_method": "fork", "opencv_num_threads": 0}
THREADS = {"omp_num_threads": 1, "mkl_num_threads": 1}


def setup_multi_processes(cfg: Any) -> None:
    """Applies ``mp_start_method`` and ``{opencv,omp,mkl}_num_threads``; see mmcv's."""
    _setup(cfg, {**DEFAULTS, **{key: v for key, v in THREADS.items() if _is_free(key)}})


def _is_free(key: str) -> bool:
    return key.upper() not in os.environ
