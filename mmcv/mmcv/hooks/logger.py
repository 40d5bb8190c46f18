"""What all loggers share: when they log, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mmcv.hooks.hook import Hook

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


class LoggerHook(Hook):
    """Calls ``log`` every few iterations, and whenever results of an evaluation are there.

    Args:
        interval: in iterations; with ``by_epoch`` they are counted within each epoch.
        ignore_last: do not log the iterations behind the last multiple of ``interval`` in an epoch.
        reset_flag: clear what was logged; set by itself for the last logger of a run.
        by_epoch: the run counts epochs.
    """

    # After a resume, the line of the iteration that the checkpoint was written in is still due.
    replay = True

    def __init__(
        self,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
    ) -> None:
        self.interval = interval
        self.ignore_last = ignore_last
        self.reset_flag = reset_flag
        self.by_epoch = by_epoch

    def log(self, runner: BaseRunner) -> Any:
        """Writes ``runner.log_buffer.output``; called on all ranks."""
        raise NotImplementedError

    @staticmethod
    def is_scalar(val: Any, include_np: bool = True, include_torch: bool = True) -> bool:
        """Whether the value is a number, or an array or tensor with a single one.

        Args:
            val: anything.
            include_np: accept 0-dim numpy arrays.
            include_torch: accept tensors with one element.
        """
        if isinstance(val, (int, float, np.number)):
            return True
        if isinstance(val, np.ndarray):
            return include_np and val.ndim == 0
        return isinstance(val, Tensor) and include_torch and val.numel() == 1

    def get_mode(self, runner: BaseRunner) -> str:
        """Returns "train", or "val" for the results of an evaluation."""
        if runner.mode not in ("train", "val"):
            raise ValueError(f"runner mode should be 'train' or 'val', but got {runner.mode}")
        is_train = runner.mode == "train" and "time" in runner.log_buffer.output
        return "train" if is_train else "val"

    def get_epoch(self, runner: BaseRunner) -> int:
        """Returns the 1-based epoch."""
        if runner.mode not in ("train", "val"):
            raise ValueError(f"runner mode should be 'train' or 'val', but got {runner.mode}")
        # After an epoch of validation losses the runner already counts that epoch as done.
        return runner.epoch + 1 if runner.mode == "train" else runner.epoch

    def get_iter(self, runner: BaseRunner, inner_iter: bool = False) -> int:
        """Returns the 1-based iteration; within the epoch, if asked and the run counts epochs."""
        return (runner.inner_iter if self.by_epoch and inner_iter else runner.iter) + 1

    def get_lr_tags(self, runner: BaseRunner) -> dict[str, float]:
        """Returns ``learning_rate`` of the first group, or those of several optimizers."""
        return _first_of_groups("learning_rate", runner.current_lr())

    def get_momentum_tags(self, runner: BaseRunner) -> dict[str, float]:
        """Returns ``momentum``, like ``get_lr_tags``."""
        return _first_of_groups("momentum", runner.current_momentum())

    def get_loggable_tags(
        self,
        runner: BaseRunner,
        allow_scalar: bool = True,
        allow_text: bool = False,
        add_mode: bool = True,
        tags_to_skip: tuple[str, ...] = ("time", "data_time"),
    ) -> dict[str, Any]:
        """Returns what is to be logged by tag, such as ``train/loss`` and ``learning_rate``.

        Args:
            runner: has the log buffer.
            allow_scalar: include numbers.
            allow_text: include strings.
            add_mode: put ``train/`` or ``val/`` before the names.
            tags_to_skip: names to leave out.
        """
        prefix = f"{self.get_mode(runner)}/" if add_mode else ""
        tags = {}
        for name, value in runner.log_buffer.output.items():
            is_skipped = (
                name in tags_to_skip
                or (self.is_scalar(value) and not allow_scalar)
                or (isinstance(value, str) and not allow_text)
            )
            if not is_skipped:
                tags[prefix + name] = value
        return {**tags, **self.get_lr_tags(runner), **self.get_momentum_tags(runner)}

    def before_run(self, runner: BaseRunner) -> None:
        """Lets the last logger clear what all have logged."""
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        if loggers:
            loggers[-1].reset_flag = True

    def before_epoch(self, runner: BaseRunner) -> None:
        """Forgets the last epoch, unless a resumed run goes on in the middle of one."""
        if runner.batches is None or runner.batches.batch == 0:
            runner.log_buffer.clear()

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Logs averages at the interval, and what an evaluation in this iteration left."""
        is_due = self._is_due(runner)
        if is_due:
            runner.log_buffer.average(self.interval)
        if is_due or (runner.log_buffer.ready and self.get_mode(runner) == "val"):
            self.log(runner)
        if self.reset_flag and runner.log_buffer.ready:
            runner.log_buffer.clear_output()

    def after_train_epoch(self, runner: BaseRunner) -> None:
        """Logs what an evaluation left."""
        if runner.log_buffer.ready:
            self.log(runner)
            if self.reset_flag:
                runner.log_buffer.clear_output()

    def after_val_epoch(self, runner: BaseRunner) -> None:
        """Logs averages of validation losses."""
        runner.log_buffer.average()
        self.log(runner)
        if self.reset_flag:
            runner.log_buffer.clear_output()

    def _is_due(self, runner: BaseRunner) -> bool:
        if self.by_epoch:
            is_nth = self.every_n_inner_iters(runner, self.interval)
        else:
            is_nth = self.every_n_iters(runner, self.interval)
        return is_nth or (not self.ignore_last and self.end_of_epoch(runner))


def _first_of_groups(tag: str, values: Any) -> dict[str, float]:
    if isinstance(values, dict):
        return {f"{tag}/{name}": groups[0] for name, groups in values.items()}
    return {tag: values[0]}
