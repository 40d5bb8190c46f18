"""Writing a checkpoint directory while the training goes on.

The values are copied to host memory, which is all the training waits for; a thread writes the
copies. Only one checkpoint is under way at a time, so that one copy is all the memory it takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmcv.runner.background import BackgroundTask, Copies, log_saved
from mmcv.runner.zero.directory import Writers, Written, complete_directory, write_files

__all__ = ["BackgroundWrite", "Copies"]


class BackgroundWrite:
    """One checkpoint on its way to disk.

    Args:
        path: its final place, for which ``begin_directory`` was called.
        temporary: where it is written.
        writers: of this rank's files; what they write must not change any more.
        facts: for the manifest.
        then: called on every rank with the manifest when the checkpoint is complete.

    Attributes:
        waited: seconds for which the training stood still, as the caller has measured.
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
        self._started = time.monotonic()
        self.waited = 0.0
        lost: Written = ({}, "the thread that writes it has died")
        self._task = BackgroundTask(
            lambda: write_files(temporary, writers), f"save {path.name}", lost
        )

    def is_written(self) -> bool:
        """Whether every rank is done with its files. Collective."""
        return self._task.is_done()

    def complete(self) -> None:
        """Waits for the files and completes the checkpoint. Collective.

        Raises:
            CheckpointError: on every rank, if any rank could not write.
        """
        manifest = complete_directory(self._path, self._task.wait(), self._facts)
        log_saved(self._path, self.waited, self._task.ended - self._started)
        self._then(manifest)
