"""Loggers with one format: rank 0 at the level asked for, the others from ERROR on."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"

logger_initialized: dict[str, bool] = {}


def get_logger(
    name: str,
    log_file: str | os.PathLike[str] | None = None,
    log_level: int | str = logging.INFO,
    file_mode: str = "w",
) -> logging.Logger:
    """Returns the logger of that name, with handlers of its own at the first call.

    A logger below one that has handlers (``mmseg.models`` after ``mmseg``) gets none: its records
    reach the handlers of the parent. A later call with a new ``log_file`` adds that file.

    Args:
        name: as in ``logging.getLogger``.
        log_file: file that also receives the records; only rank 0 opens it.
        log_level: least severe record that rank 0 writes.
        file_mode: mode in which ``log_file`` is opened.
    """
    logger = logging.getLogger(name)
    is_main = _rank() == 0
    if name in logger_initialized or any(_is_below(name, known) for known in logger_initialized):
        if log_file is not None and is_main and not _writes_to(logger, log_file):
            _add_handler(logger, logging.FileHandler(log_file, file_mode), log_level)
        return logger

    # Libraries put handlers on the root logger, which would print every record again.
    for handler in logging.root.handlers:
        if type(handler) is logging.StreamHandler:
            handler.setLevel(logging.ERROR)
    for known in logger_initialized:
        if _is_below(known, name):  # children that came first print through this one from now on
            _remove_stream_handlers(logging.getLogger(known))

    _add_handler(logger, logging.StreamHandler(), log_level)
    if log_file is not None and is_main:
        _add_handler(logger, logging.FileHandler(log_file, file_mode), log_level)
    logger.setLevel(log_level if is_main else logging.ERROR)
    logger_initialized[name] = True
    return logger


def print_log(
    msg: Any, logger: logging.Logger | str | None = None, level: int = logging.INFO
) -> None:
    """Logs a message.

    Args:
        msg: what is logged.
        logger: a logger, the name of one, ``"silent"`` for nowhere, or None for standard output.
        level: severity.
    """
    if logger is None:
        sys.stdout.write(f"{msg}\n")
    elif isinstance(logger, logging.Logger):
        logger.log(level, msg)
    elif logger == "silent":
        pass
    elif isinstance(logger, str):
        get_logger(logger).log(level, msg)
    else:
        raise TypeError(
            'logger should be either a logging.Logger object, str, "silent" or None,'
            f" but got {type(logger)}"
        )


def _rank() -> int:
    torch = sys.modules.get("torch")  # before torch is imported there is no process group
    if torch is None or not torch.distributed.is_available():
        return 0
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def _is_below(name: str, parent: str) -> bool:
    return name.startswith(f"{parent}.")


def _writes_to(logger: logging.Logger, log_file: str | os.PathLike[str]) -> bool:
    path = os.path.abspath(log_file)
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if isinstance(handler, logging.FileHandler) and handler.baseFilename == path:
                return True
        current = current.parent if current.propagate else None
    return False


def _add_handler(logger: logging.Logger, handler: logging.Handler, level: int | str) -> None:
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.setLevel(level)
    logger.addHandler(handler)


def _remove_stream_handlers(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
