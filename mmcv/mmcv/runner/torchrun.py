"""``torchrun`` that ends as its processes do: with their exit code, without a traceback of its own.

``python -m mmcv.runner.torchrun --nproc_per_node 8 tools/train.py CONFIG --launcher pytorch``. The
process that failed has said what went wrong; torchrun's report of forty lines would bury it.
SIGTERM and SIGUSR1 are handed on to the processes, which save their state and end; torchrun itself
would kill them after half a minute.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from torch.distributed.elastic.multiprocessing import api
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

from mmcv.runner.failures import INTERRUPTED


def run() -> None:
    """Starts the processes and exits with the code of the one that failed first."""
    signal.signal(signal.SIGUSR1, hand_on)
    # torchrun registers this function for SIGTERM, SIGINT ... when it has started the processes.
    original = api._terminate_process_handler

    def on_signal(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            hand_on(number, frame)
        else:
            original(number, frame)

    api._terminate_process_handler = on_signal
    try:
        main()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        # A negative code is a signal: shells report it as 128 + n.
        code = failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
        sys.exit(_report(rank, code))


def hand_on(number: int, frame: FrameType | None = None) -> None:
    """Sends a signal to the processes that this one started."""
    for pid in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _children() -> list[int]:
    me = str(os.getpid())
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            # The name, in parentheses, may contain blanks; the parent is the second field after it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[1] == me and fields[0] != "Z":
                found.append(int(folder.name))
    return found


def _report(rank: int, code: int) -> int:
    if code == INTERRUPTED:
        text = f"a signal ended the run with its state saved (exit code {code}): start it again"
        sys.stderr.write(f"{text} to continue\n")
    else:
        sys.stderr.write(f"rank {rank} ended the run with exit code {code}\n")
    return code


if __name__ == "__main__":
    run()
