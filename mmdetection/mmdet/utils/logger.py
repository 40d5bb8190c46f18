"""The logger of detection runs."""

from __future__ import annotations

import logging

from mmcv.utils import get_logger


def get_root_logger(
    log_file: str | None = None, log_level: int | str = logging.INFO
) -> logging.Logger:
    """Returns the logger "mmdet", which writes to the screen and to ``log_file``."""
    return get_logger("mmdet", log_file, log_level)
