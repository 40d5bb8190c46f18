"""Logs for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcv.hooks.logger import LoggerHook
from mmcv.registry import HOOKS
from mmcv.runner.dist_utils import master_only

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class TensorboardLoggerHook(LoggerHook):
    """Writes scalars such as ``train/loss``, ``val/mIoU`` and ``learning_rate``, on rank 0.

    Args:
        log_dir: folder of the event files; ``<work_dir>/tf_logs`` by default.
        interval: in iterations.
        ignore_last: skip the remainder at the end of an epoch.
        reset_flag: see LoggerHook.
        by_epoch: the run counts epochs.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.log_dir = log_dir
        self.writer: Any = None

    def before_run(self, runner: BaseRunner) -> None:
        """Opens the event file."""
        super().before_run(runner)
        self._open(runner)

    @master_only
    def _open(self, runner: BaseRunner) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorboardLoggerHook needs tensorboard: pip install tensorboard,"
                " or remove the hook from log_config.hooks"
            ) from error
        if self.log_dir is None:
            self.log_dir = str(Path(runner.work_dir or ".") / "tf_logs")
        self.writer = SummaryWriter(self.log_dir)

    @master_only
    def log(self, runner: BaseRunner) -> None:
        """Writes every value under its tag."""
        step = self.get_iter(runner)
        for tag, value in self.get_loggable_tags(runner, allow_text=True).items():
            if isinstance(value, str):
                self.writer.add_text(tag, value, step)
            elif self.is_scalar(value):
                self.writer.add_scalar(tag, value, step)
        # A killed run should have its last values on disk.
        self.writer.flush()

    @master_only
    def after_run(self, runner: BaseRunner) -> None:
        """Closes the event file."""
        self.writer.close()
