"""Process-wide settings that a config may make: start method and numbers of threads."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import cv2
from torch import multiprocessing

logger = logging.getLogger(__name__)

START_METHODS = ("fork", "spawn", "forkserver")


def setup_multi_processes(cfg: Any, defaults: Mapping[str, Any] = {}) -> None:
    """Applies ``mp_start_method`` and ``{opencv,omp,mkl}_num_threads``.

    Those of OpenMP and MKL count only with more than one loader worker, and not where the
    environment already sets them. A value of the wrong kind is reported and not applied.

    Args:
        cfg: the whole config.
        defaults: of the keys that the config lacks.
    """
    values = {**defaults, **cfg}
    method = values.get("mp_start_method")
    if method in START_METHODS:
        multiprocessing.set_start_method(method, force=True)
    elif method is not None:
        logger.warning("mp_start_method must be one of %s, but is %r", START_METHODS, method)
    threads = _threads(values, "opencv_num_threads")
    if threads is not None:
        cv2.setNumThreads(threads)
    if _num_workers(values["data"]) > 1:
        for key in ("omp_num_threads", "mkl_num_threads"):
            threads = _threads(values, key)
            if threads is not None:
                os.environ.setdefault(key.upper(), str(threads))


def _num_workers(data: Mapping[str, Any]) -> int:
    loader = data.get("train_dataloader") or {}
    return max(data.get("workers_per_gpu") or 1, loader.get("workers_per_gpu") or 1)


def _threads(cfg: Mapping[str, Any], key: str) -> int | None:
    value = cfg.get(key)
    if value is None or isinstance(value, int):
        return value
    logger.warning("%s must be an int, but is %r", key, value)
    return None
