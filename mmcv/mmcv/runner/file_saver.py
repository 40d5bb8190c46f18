"""Saves the checkpoint files of one run, at once or while the training goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmcv.runner.background import BackgroundTask, Copies, log_saved
from mmcv.runner.checkpoint_content import checkpoint_of
from mmcv.runner.dist_utils import broadcast_object, get_dist_info
from mmcv.runner.files import CheckpointError, save_file

logger = logging.getLogger(__name__)


class FileSaver:
    """What is kept from one checkpoint to the next. Its methods are collective; rank 0 writes."""

    def __init__(self) -> None:
        self._copies = Copies()
        self._path = Path()
        self._task: BackgroundTask[str | None] | None = None
        self._then: Callable[[], None] | None = None
        self._started = self._waited = 0.0

    def save(
        self,
        path: Path,
        model: nn.Module,
        optimizer: Any,
        state: Mapping[str, Any],
        *,
        external: Mapping[str, Any] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Writes ``path``; see ``Strategy.save`` and ``checkpoint_of``.

        Raises:
            CheckpointError: on every rank, if rank 0 could not write.
        """
        begun = time.monotonic()
        self.finish()
        self._path, self._started = path, time.monotonic()
        content = None
        if get_dist_info()[0] == 0:
            content = checkpoint_of(model, optimizer, state, external)
        if then is None:
            _raise_together(write(path, content))
        else:
            content = self._copies.of(content, "")
            self._copies.wait()
            self._then = then
            self._task = BackgroundTask(
                lambda: write(path, content), f"save {path.name}", "the thread has died"
            )
        self._waited = time.monotonic() - begun
        if then is None:
            log_saved(path, self._waited)

    def poll(self) -> None:
        """Completes a checkpoint that is written by now."""
        if self._task is not None and self._task.is_done():
            self.finish()

    def finish(self) -> None:
        """Waits until the checkpoint that is under way, if any, is complete."""
        if self._task is None:
            return
        task, then, self._task, self._then = self._task, self._then, None, None
        _raise_together(task.wait())
        self._report(task)
        assert then is not None
        then()

    def leave(self) -> None:
        """Completes on this rank alone what is under way; problems are logged. Not collective."""
        if self._task is None:
            return
        task, then, self._task, self._then = self._task, self._then, None, None
        failure = task.wait()
        if failure is not None:
            logger.error("%s", failure)
        elif then is not None:
            self._report(task)
            then()

    def _report(self, task: BackgroundTask[str | None]) -> None:
        log_saved(self._path, self._waited, task.ended - self._started)


def write(path: Path, content: Any) -> str | None:
    """Writes a file, unless there is nothing for this rank to write; returns what went wrong."""
    try:
        if content is not None:
            save_file(path, content)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
        return f"{path}: could not be saved: {error}; the previous checkpoint is intact"
    return None


def _raise_together(failure: str | None) -> None:
    failure = broadcast_object(failure)
    if failure is not None:
        raise CheckpointError(failure)
