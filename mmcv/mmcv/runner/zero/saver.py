"""Saves the checkpoints of one run, at once or while the training goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmcv.runner.background import log_saved
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.files import CheckpointError
from mmcv.runner.zero.background import BackgroundWrite, Copies
from mmcv.runner.zero.checkpoint import Trained, collect
from mmcv.runner.zero.directory import begin_directory, complete_directory, write_files

logger = logging.getLogger(__name__)


class Saver:
    """What is kept from one checkpoint to the next. Its methods are collective.

    Args:
        run: what is saved.
    """

    def __init__(self, run: Trained) -> None:
        self._run = run
        self._copies = Copies()
        self._saving: BackgroundWrite | None = None

    def save(
        self,
        path: Path,
        state: Mapping[str, Any],
        *,
        with_optimizer: bool,
        then: Callable[[], None] | None,
    ) -> None:
        """Writes the directory ``path``; see ``DeepSpeedStrategy.save``."""
        started = time.monotonic()
        self.finish()
        temporary = begin_directory(path)
        copies = None if then is None else self._copies
        writers, facts = collect(self._run, state, with_optimizer=with_optimizer, copies=copies)

        def complete(manifest: Mapping[str, Any]) -> None:
            self._run.frozen.remember(path, manifest)
            if then is not None:
                then()

        if then is None:
            complete(complete_directory(path, write_files(temporary, writers), facts))
        else:
            self._saving = BackgroundWrite(path, temporary, writers, facts, complete)
        waited = time.monotonic() - started
        if self._saving is None:
            log_saved(path, waited)
        else:
            self._saving.waited = waited

    def poll(self) -> None:
        """Completes a checkpoint that every rank has written by now."""
        if self._saving is not None and self._saving.is_written():
            self.finish()

    def finish(self) -> None:
        """Waits until the checkpoint that is under way, if any, is complete."""
        if self._saving is not None:
            saving, self._saving = self._saving, None
            saving.complete()

    def leave(self) -> None:
        """Completes what is under way if no other rank is needed; problems are logged."""
        if get_dist_info()[1] > 1:  # leftovers are removed by the run that continues
            return
        try:
            self.finish()
        except CheckpointError as error:
            logger.error("%s", error)
