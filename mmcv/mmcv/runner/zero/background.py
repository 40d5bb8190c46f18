"""Writing a checkpoint while the training goes on.

The values are copied to host memory, which is all the training waits for; a thread writes the
copies. Only one checkpoint is under way at a time, so that one copy is all the memory it takes. The
ranks agree on its completion in the main thread, between iterations: threads never communicate.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mmcv.runner.dist_utils import collective_device, get_dist_info
from mmcv.runner.zero.directory import Writers, Written, complete_directory, write_files

logger = logging.getLogger(__name__)


class BackgroundWrite:
    """One checkpoint on its way to disk.

    Args:
        path: its final place, for which ``begin_directory`` was called.
        temporary: where it is written.
        writers: of this rank's files; what they write must not change any more.
        facts: for the manifest.
        then: called on every rank with the manifest when the checkpoint is complete.
    """

    def __init__(
        self,
        path: Path,
        temporary: Path,
        writers: Writers,
        facts: Mapping[str, Any],
        then: Callable[[dict[str, Any]], None],
    ) -> None:
        self._path = path
        self._facts = facts
        self._then = then
        self._written: Written = ({}, "the thread that writes it has died")
        self._started = time.monotonic()
        # A daemon: a process that ends with an error does not wait; nothing refers to the rest.
        self._thread = threading.Thread(
            target=self._write, args=(temporary, writers), name=f"save {path.name}", daemon=True
        )
        self._thread.start()

    def is_written(self) -> bool:
        """Whether every rank is done with its files. Collective."""
        is_written = not self._thread.is_alive()
        if get_dist_info()[1] == 1:
            return is_written
        flag = torch.tensor(int(is_written), device=collective_device())
        dist.all_reduce(flag, dist.ReduceOp.MIN)
        return bool(flag.item())

    def complete(self) -> None:
        """Waits for the files and completes the checkpoint. Collective.

        Raises:
            CheckpointError: on every rank, if any rank could not write.
        """
        self._thread.join()
        manifest = complete_directory(self._path, self._written, self._facts)
        seconds = time.monotonic() - self._started
        logger.info("%s was written in %.1f s, in the background", self._path.name, seconds)
        self._then(manifest)

    def _write(self, temporary: Path, writers: Writers) -> None:
        self._written = write_files(temporary, writers)


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
            return {k: self.of(v, f"{key}/{k}") for k, v in content.items()}
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
