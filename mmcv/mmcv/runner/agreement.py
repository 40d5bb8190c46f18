"""How the ranks of a run agree on something between two iterations, at almost no cost."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mmcv.runner.dist_utils import get_dist_info

logger = logging.getLogger(__name__)

# Ranks come to a checkpoint together: their gradients were exchanged just before.
PATIENCE = 300.0


class Agreement:
    """Groups of their own on the CPU, so that no message meets one of the training. Collective.

    Args:
        timeout: seconds that a rank waits for another one.
    """

    def __init__(self, timeout: float = 1800.0) -> None:
        self._is_alone = get_dist_info()[1] == 1
        self._pending: tuple[Any, Tensor] | None = None
        self._flags: Any = None
        self._meetings: Any = None
        if not self._is_alone:
            options = {"backend": "gloo", "timeout": timedelta(seconds=timeout)}
            self._flags, self._meetings = dist.new_group(**options), dist.new_group(**options)

    def any(self, flag: bool) -> bool:
        """Returns whether any rank had set its flag at the call before this one. Collective.

        The exchange goes on behind the iteration in between; with one rank there is none.
        """
        if self._is_alone:
            return flag
        previous = self._finish()
        mine = torch.tensor([float(flag)])
        work = dist.all_reduce(mine, dist.ReduceOp.MAX, group=self._flags, async_op=True)
        self._pending = work, mine
        return previous

    def end(self) -> None:
        """Waits for the exchange that is under way."""
        self._finish()

    def meet(self, what: str, timeout: float | None = None) -> None:
        """Raises RuntimeError on rank 0 unless all ranks come here soon. Collective, that is why.

        Args:
            what: that must be called on all ranks.
            timeout: seconds; PATIENCE by default.
        """
        if self._is_alone:
            return
        wait = timedelta(seconds=PATIENCE if timeout is None else timeout)
        try:
            dist.monitored_barrier(self._meetings, timeout=wait, wait_all_ranks=True)
        except RuntimeError as error:
            raise RuntimeError(
                f"{what} must be called on all ranks, but after {wait.total_seconds():.0f} s only"
                f" some have: a hook that does so on rank 0 only (`if runner.rank == 0`,"
                f" @master_only) must drop that condition ({str(error).splitlines()[0]})"
            ) from error

    def _finish(self) -> bool:
        if self._pending is None:
            return False
        (work, flags), self._pending = self._pending, None
        work.wait()
        return bool(flags.item())
