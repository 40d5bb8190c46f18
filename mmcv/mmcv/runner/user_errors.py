"""What users can cause ends in one line that says what to do, not in a traceback of ours."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmcv.data.errors import DataError
from mmcv.registry import ConfigError
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.files import CheckpointError
from mmcv.runner.loss_watch import NonFiniteLossError
from mmcv.runner.out_of_memory import OutOfMemory

logger = logging.getLogger(__name__)

USER_ERRORS = (ConfigError, DataError, NonFiniteLossError, FileNotFoundError, OutOfMemory)
# Raised on all ranks together.
COMMON_ERRORS = (CheckpointError, NonFiniteLossError)
# How torch says that a connection to another rank was lost.
LOST = re.compile(
    r"Connection (closed|reset) by peer|[Cc]onnection was likely closed|Broken pipe"
    r"|remote process exited|ncclRemoteError|Socket Timeout|Timed out waiting"
)


class Progress:
    """How far a program came, which decides who reports an error."""

    def __init__(self) -> None:
        self.is_running = False


@contextmanager
def one_line_errors(*, verbose: bool) -> Iterator[Progress]:
    """Prints a user's error as ``error: ...`` and exits with 1; other errors pass.

    Args:
        verbose: show where it comes from as well.
    """
    progress = Progress()
    try:
        yield progress
    except USER_ERRORS as error:
        if verbose:
            raise
        if _is_reporter(error, progress):
            rank, world_size = get_dist_info()
            who = f"rank {rank}: " if world_size > 1 and progress.is_running else ""
            sys.stderr.write(f"error: {who}{error}\n")
            sys.stderr.flush()
        raise SystemExit(1) from None
    except RuntimeError as error:
        if verbose or get_dist_info()[1] == 1 or not LOST.search(str(error)):
            raise
        first = str(error).strip().splitlines()[0]
        sys.stderr.write(
            f"error: rank {get_dist_info()[0]} lost another rank, whose own message says why it"
            f" ended; a rank without one was killed ({first})\n"
        )
        sys.stderr.flush()
        raise SystemExit(1) from None


def _is_reporter(error: Exception, progress: Progress) -> bool:
    """Whether this process prints the error.

    Before training all ranks find the same, or all of one machine do; later on a broken file is
    found by one of them.
    """
    if progress.is_running and not isinstance(error, COMMON_ERRORS):
        return True
    return os.environ.get("LOCAL_RANK", "0") == "0"
