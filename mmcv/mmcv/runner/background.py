"""Work that goes on beside the training: a thread, the agreement of the ranks, copies of values.

Threads never communicate: the ranks agree in the main thread, between iterations.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from mmcv.runner.dist_utils import collective_device, get_dist_info

logger = logging.getLogger(__name__)

T = TypeVar("T")


def log_saved(path: Path, waited: float, written: float | None = None) -> None:
    """Logs what a checkpoint cost.

    Args:
        path: its place.
        waited: seconds for which the training stood still.
        written: seconds until it was on disk, if that went on in the background.
    """
    more = "" if written is None else f", written in {written:.2f} s"
    logger.info("checkpoint %s: training stood still %.2f s%s", path.name, waited, more)


class BackgroundTask(Generic[T]):
    """One call in a thread of its own.

    Args:
        work: what is called; it must return its errors rather than raise them.
        name: of the thread.
        lost: the result if the thread dies.

    Attributes:
        ended: when the call returned, in ``time.monotonic``'s seconds.
    """

    def __init__(self, work: Callable[[], T], name: str, lost: T) -> None:
        self._work = work
        self._result = lost
        self.ended = 0.0
        # A daemon: a process that ends with an error does not wait for it.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def is_done(self) -> bool:
        """Whether every rank's task is. Collective."""
        is_done = not self._thread.is_alive()
        if get_dist_info()[1] == 1:
            return is_done
        flag = torch.tensor(int(is_done), device=collective_device())
        dist.all_reduce(flag, dist.ReduceOp.MIN)
        return bool(flag.item())

    def wait(self) -> T:
        """Returns what this rank's task returned, as soon as it has."""
        self._thread.join()
        return self._result

    def _run(self) -> None:
        self._result = self._work()
        self.ended = time.monotonic()


class Copies:
    """Copies of tensors in host memory that is used again for the next checkpoint."""

    def __init__(self) -> None:
        self._memory: dict[str, Tensor] = {}

    def of(self, content: Any, key: str) -> Any:
        """Returns ``content`` with every tensor in it replaced by its copy; ``wait`` for it.

        Args:
            content: dicts, lists and tuples of anything; what is no tensor is taken as it is.
            key: names the place of the content, and so the memory.
        """
        if isinstance(content, Tensor):
            memory = self._memory.get(key)
            if memory is None or memory.shape != content.shape or memory.dtype != content.dtype:
                memory = self._memory[key] = _allocate(content)
            return memory.copy_(content.detach(), non_blocking=True)
        if isinstance(content, dict):
            items = {k: self.of(v, f"{key}/{k}") for k, v in content.items()}
            if not isinstance(content, OrderedDict):
                return items
            ordered = OrderedDict(items)
            vars(ordered).update(vars(content))  # a state dict's versions of its modules
            return ordered
        if isinstance(content, (list, tuple)):
            return type(content)(self.of(v, f"{key}/{i}") for i, v in enumerate(content))
        return content

    def wait(self) -> None:
        """Waits for copies from the device."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()


def _allocate(like: Tensor) -> Tensor:
    try:
        return torch.empty(like.shape, dtype=like.dtype, pin_memory=like.is_cuda)
    except RuntimeError:  # no more memory can be pinned; slower, that is all
        return torch.empty(like.shape, dtype=like.dtype)
