"""Profiles the first epochs or iterations with ``torch.profiler``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import profiler

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ArgumentError, ConfigError, did_you_mean
from mmcv.runner.dist_utils import master_only

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

ACTIVITIES = {
    "cpu": profiler.ProfilerActivity.CPU,
    "cuda": profiler.ProfilerActivity.CUDA,
}


@HOOKS.register_module()
class ProfilerHook(Hook):
    """Profiles rank 0.

    Args:
        by_epoch: ``profile_iters`` counts epochs.
        profile_iters: how many epochs or iterations are profiled, from the first one on.
        activities: ``cpu``, ``cuda``.
        schedule: arguments of ``torch.profiler.schedule``.
        on_trace_ready: a function of the profiler; or ``dict(type='log_trace')`` with arguments of
            its ``table``; or ``dict(type='tb_trace', dir_name=...)`` for TensorBoard.
        record_shapes: see ``torch.profiler.profile``, as the following.
        profile_memory: likewise.
        with_stack: likewise.
        with_flops: likewise.
        json_trace_path: where to write a trace that chrome://tracing shows.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        profile_iters: int = 1,
        activities: Sequence[str] = ("cpu", "cuda"),
        schedule: Mapping[str, Any] | None = None,
        on_trace_ready: Callable[..., Any] | Mapping[str, Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        json_trace_path: str | None = None,
    ) -> None:
        if not isinstance(by_epoch, bool):
            raise ArgumentError(f"ProfilerHook: by_epoch must be a bool, but got {by_epoch!r}")
        if profile_iters < 1:
            raise ConfigError(f"ProfilerHook: profile_iters must be positive, got {profile_iters}")
        if not isinstance(activities, (list, tuple)):
            raise ArgumentError(f"ProfilerHook: activities must be a list, but got {activities!r}")
        for activity in activities:
            if activity not in ACTIVITIES:
                raise ConfigError(
                    f"ProfilerHook: activities: {activity!r} is neither 'cpu' nor 'cuda'"
                    f"{did_you_mean(str(activity), ACTIVITIES)}"
                )
        self.by_epoch = by_epoch
        self.profile_iters = profile_iters
        self.activities = [ACTIVITIES[activity] for activity in activities]
        self.schedule = None if schedule is None else profiler.schedule(**schedule)
        self.on_trace_ready = on_trace_ready
        self.json_trace_path = json_trace_path
        self.options: dict[str, Any] = {
            "record_shapes": record_shapes,
            "profile_memory": profile_memory,
            "with_stack": with_stack,
            "with_flops": with_flops,
        }
        self.profiler: Any = None

    @master_only
    def before_run(self, runner: BaseRunner) -> None:
        """Starts the profiler."""
        name, total = (
            ("max_epochs", runner.max_epochs) if self.by_epoch else ("max_iters", runner.max_iters)
        )
        if total is None or total < self.profile_iters:
            raise ConfigError(
                f"ProfilerHook: profile_iters={self.profile_iters} (by_epoch={self.by_epoch}) must"
                f" not be greater than the runner's {name}={total}"
            )
        self.profiler = profiler.profile(
            activities=self.activities,
            schedule=self.schedule,
            on_trace_ready=self._handler(runner),
            **self.options,
        )
        self.profiler.__enter__()
        logger.info("ProfilerHook: profiling %d %s", self.profile_iters, name.removeprefix("max_"))

    @master_only
    def after_train_iter(self, runner: BaseRunner) -> None:
        """Tells the profiler that an iteration is over."""
        if self.profiler is None:
            return
        self.profiler.step()
        if not self.by_epoch and runner.iter + 1 >= self.profile_iters:
            self._stop()

    @master_only
    def after_train_epoch(self, runner: BaseRunner) -> None:
        """Stops the profiler, if it counts epochs."""
        if self.profiler is not None and self.by_epoch and runner.epoch + 1 >= self.profile_iters:
            self._stop()

    def _stop(self) -> None:
        self.profiler.__exit__(None, None, None)
        logger.info("ProfilerHook: done, training goes on without the profiler")
        if self.json_trace_path is not None:
            self.profiler.export_chrome_trace(self.json_trace_path)
        self.profiler = None

    def _handler(self, runner: BaseRunner) -> Callable[..., Any] | None:
        handler = self.on_trace_ready
        if handler is None or callable(handler):
            return handler
        if not isinstance(handler, Mapping):
            raise ConfigError(f"ProfilerHook: on_trace_ready cannot be {handler!r}")
        options = {key: value for key, value in handler.items() if key != "type"}
        kind = handler.get("type")
        if kind == "log_trace":
            return lambda prof: logger.info("\n%s", prof.key_averages().table(**options))
        if kind == "tb_trace":
            folder = Path(runner.work_dir or ".") / options.pop("dir_name", "tf_tracing_logs")
            return profiler.tensorboard_trace_handler(str(folder), **options)
        raise ConfigError(
            f"ProfilerHook: on_trace_ready.type={kind!r} is neither 'log_trace' nor 'tb_trace'"
        )
