"""``torchrun`` that ends as its processes do: with their exit code, without a traceback of its own.

``python -m mmcv.runner.torchrun --nproc_per_node 8 tools/train.py CONFIG --launcher pytorch``. The
process that failed has said what went wrong; torchrun's report of forty lines would bury it.
"""

from __future__ import annotations

import sys

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main


def run() -> None:
    """Starts the processes and exits with the code of the one that failed first."""
    try:
        main()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        # A negative code is a signal: shells report it as 128 + n.
        code = failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
        sys.exit(_report(rank, code))


def _report(rank: int, code: int) -> int:
    sys.stderr.write(f"rank {rank} ended the run with exit code {code}\n")
    return code


if __name__ == "__main__":
    run()
