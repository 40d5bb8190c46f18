"""Logs for Weights & Biases, which is imported only if this hook is used."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcv.hooks.logger import LoggerHook
from mmcv.registry import HOOKS
from mmcv.runner.dist_utils import master_only

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)


@HOOKS.register_module()
class WandbLoggerHook(LoggerHook):
    """Sends what TensorBoard would show to wandb, on rank 0; its failures never stop the training.

    Without a network, or without a login, wandb keeps the run in files (``wandb sync`` sends them).

    Args:
        init_kwargs: arguments of ``wandb.init``.
        interval: in iterations.
        ignore_last: skip the remainder at the end of an epoch.
        reset_flag: see LoggerHook.
        commit: argument of ``wandb.log``.
        by_epoch: the run counts epochs.
        with_step: log the iteration as wandb's step, else as ``global_step``.
        log_artifact: upload the log files after the run.
        out_suffix: which files that are.
        define_metric_cfg: metric -> summary, such as ``{'val/mIoU': 'max'}``; or a list of
            arguments of ``wandb.define_metric``.
    """

    def __init__(
        self,
        init_kwargs: Mapping[str, Any] | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        commit: bool = True,
        by_epoch: bool = True,
        with_step: bool = True,
        log_artifact: bool = True,
        out_suffix: str | Sequence[str] = (".log.json", ".log", ".py"),
        define_metric_cfg: Mapping[str, str] | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.wandb = self.import_wandb()
        self.init_kwargs = dict(init_kwargs or {})
        self.commit = commit
        self.with_step = with_step
        self.log_artifact = log_artifact
        self.out_suffix = (out_suffix,) if isinstance(out_suffix, str) else tuple(out_suffix)
        self.define_metric_cfg = define_metric_cfg
        self._is_alive = False
        self._step = 0
        self._tags: dict[str, Any] = {}  # of that iteration, not yet sent

    def import_wandb(self) -> Any:
        """Returns the module.

        Raises:
            ImportError: it is not installed; says what to do.
        """
        try:
            import wandb  # type: ignore[import-not-found]
        except ImportError as error:
            raise ImportError(
                "WandbLoggerHook needs wandb: pip install wandb, or remove the hook from"
                " log_config.hooks"
            ) from error
        return wandb

    def before_run(self, runner: BaseRunner) -> None:
        """Starts the wandb run."""
        super().before_run(runner)
        self._start()

    @master_only
    def log(self, runner: BaseRunner) -> None:
        """Keeps every value under its tag until the iteration is over."""
        step = self.get_iter(runner)
        if step != self._step:
            self._send()
        self._step = step
        self._tags.update(self.get_loggable_tags(runner))

    def before_train_iter(self, runner: BaseRunner) -> None:
        """Sends what the last iteration logged."""
        self._send()

    @master_only
    def after_run(self, runner: BaseRunner) -> None:
        """Sends the log files and ends the wandb run."""
        self._send()
        if self._is_alive:
            if self.log_artifact and runner.work_dir is not None:
                self._try(self._send_files, Path(runner.work_dir))
            self._try(self.wandb.finish)

    @master_only
    def _start(self) -> None:
        # Neither a login prompt nor a server that does not answer may hold the training up; for the
        # server wandb waits 90 s by itself.
        os.environ.setdefault("WANDB_LOGIN_TIMEOUT", "30")
        self._is_alive = self._try(self.wandb.init, **self.init_kwargs)
        if not self._is_alive:
            logger.warning("wandb keeps this run in files: send them later with `wandb sync`")
            options = {**self.init_kwargs, "mode": "offline"}
            self._is_alive = self._try(self.wandb.init, **options)
        metrics = self.define_metric_cfg or ()
        if isinstance(metrics, Mapping):
            metrics = [{"name": name, "summary": summary} for name, summary in metrics.items()]
        for metric in metrics if self._is_alive else ():
            self._try(self.wandb.define_metric, **metric)

    def _send(self) -> None:
        """Sends the values of one iteration together.

        wandb takes a committed step once: the results of an evaluation, which come after the losses
        of the same iteration, would be dropped.
        """
        tags, self._tags = self._tags, {}
        if not tags or not self._is_alive:
            return
        if self.with_step:
            self._try(self.wandb.log, tags, step=self._step, commit=self.commit)
        else:
            self._try(self.wandb.log, {**tags, "global_step": self._step}, commit=self.commit)

    def _send_files(self, work_dir: Path) -> None:
        artifact = self.wandb.Artifact(name="artifacts", type="model")
        for path in sorted(work_dir.rglob("*")):
            if path.is_file() and path.name.endswith(self.out_suffix):
                artifact.add_file(str(path))
        self.wandb.log_artifact(artifact)

    def _try(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Calls a function of wandb and returns whether it succeeded; if not, says so."""
        try:
            function(*args, **kwargs)
        # Its errors have no common base that all versions share, and none is worth the run.
        except Exception as error:
            logger.warning("wandb failed, training goes on: %s: %s", type(error).__name__, error)
            return False
        return True
