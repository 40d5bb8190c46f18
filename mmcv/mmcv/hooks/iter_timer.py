"""Measures how long iterations take, and how long they wait for data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class IterTimerHook(Hook):
    """Puts ``data_time`` and ``time``, in seconds, into the log buffer."""

    def __init__(self) -> None:
        self.t = time.time()

    def before_epoch(self, runner: BaseRunner) -> None:
        """Starts the clock."""
        self.t = time.time()

    def before_iter(self, runner: BaseRunner) -> None:
        """Notes the time since the last iteration: waiting for the batch."""
        runner.log_buffer.update({"data_time": time.time() - self.t})

    def after_iter(self, runner: BaseRunner) -> None:
        """Notes the time of the whole iteration."""
        runner.log_buffer.update({"time": time.time() - self.t})
        self.t = time.time()
