"""The training loops: they count iterations and call hooks, and know nothing else.

How a model is run is the strategy's business; updating, saving, evaluating and logging are hooks'.
"""

from __future__ import annotations

import logging
import time
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import nn
from torch.optim import Optimizer

from mmcv.hooks.hook import Hook
from mmcv.hooks.log_buffer import LogBuffer
from mmcv.registry import RUNNERS
from mmcv.runner import hook_configs, rates, saving
from mmcv.runner.checks import check_arguments, check_not_empty, check_workflow, made_folder
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.iter_loader import IterLoader
from mmcv.runner.loss_watch import LossWatch
from mmcv.runner.priority import Priority, get_priority
from mmcv.runner.resume import Event, Resumption
from mmcv.runner.strategy import SingleDevice, Strategy
from mmcv.runner.supervisor import Supervisor


class BaseRunner(metaclass=ABCMeta):
    """What both loops share.

    Args:
        model: to run in this process; has ``train_step``. Not needed with ``strategy``.
        batch_processor: must be None (1.x's long deprecated substitute for ``train_step``).
        optimizer: of the model's parameters.
        work_dir: where logs and checkpoints go; made if it is missing.
        logger: for messages of hooks.
        meta: stored in every checkpoint.
        max_iters: length of the run; or
        max_epochs: the same in epochs.
        strategy: how the model is run; made from ``model`` and ``optimizer`` by default.

    Attributes:
        model: what users' hooks see: the bare model.
        outputs: ``dict(loss, log_vars, num_samples)`` of the iteration just run.
        log_buffer: collects what the loggers write.
        mode: "train", or "val" while an evaluation is logged.
    """

    unit: ClassVar[str]  # checkpoints are called <unit>_N

    def __init__(
        self,
        model: nn.Module | None = None,
        batch_processor: None = None,
        optimizer: Optimizer | Mapping[str, Optimizer] | None = None,
        work_dir: str | Path | None = None,
        logger: logging.Logger | None = None,
        meta: dict[str, Any] | None = None,
        max_iters: int | None = None,
        max_epochs: int | None = None,
        strategy: Strategy | None = None,
    ) -> None:
        check_arguments(batch_processor, optimizer, logger, meta)
        if max_iters is not None and max_epochs is not None:
            raise ValueError("Only one of `max_epochs` or `max_iters` can be set.")
        if strategy is None:
            assert model is not None, "a model or a strategy is needed"
            strategy = SingleDevice(model, optimizer)
        self.strategy = strategy
        self.model = strategy.module if model is None else model
        self.optimizer = strategy.optimizer
        self.logger = logger
        self.meta: dict[str, Any] = {} if meta is None else meta
        self.work_dir = made_folder(work_dir)
        self.timestamp = time.strftime("%Y%m%d_%H%M%S", time.localtime())
        self.mode: str | None = None
        self.log_buffer = LogBuffer()
        self.loss_watch = LossWatch()
        self.supervisor = Supervisor()
        self.batches: IterLoader | None = None  # where the run is in its data
        self.data_loader: Any = None
        self.data_batch: Any = None
        self.outputs: dict[str, Any] = {}
        self._rank, self._world_size = get_dist_info()
        self._hooks: list[Hook] = []
        self._epoch = self._iter = self._inner_iter = 0
        self._max_epochs, self._max_iters = max_epochs, max_iters
        # The event in progress and the hook at work in it: where a checkpoint is continued.
        self._event: Event | None = None
        self._resumption: Resumption | None = None

    epoch = property(lambda self: self._epoch, doc="0-based index of the epoch in progress.")
    iter = property(lambda self: self._iter, doc="0-based index of the iteration in progress.")
    inner_iter = property(lambda self: self._inner_iter, doc="The same within the epoch.")
    max_epochs = property(lambda self: self._max_epochs, doc="Length of the run in epochs.")
    max_iters = property(lambda self: self._max_iters, doc="Length of the run in iterations.")
    hooks = property(lambda self: self._hooks, doc="Hooks in the order in which they are called.")
    rank = property(lambda self: self._rank, doc="Of this process.")
    world_size = property(lambda self: self._world_size, doc="Number of processes.")
    is_resumed = property(lambda self: self._resumption is not None, doc="Whether it continues.")
    model_name = property(
        lambda self: type(self.strategy.module).__name__, doc="Name of its class."
    )

    register_training_hooks = hook_configs.register_training_hooks
    register_lr_hook = hook_configs.register_lr_hook
    register_momentum_hook = hook_configs.register_momentum_hook
    register_optimizer_hook = hook_configs.register_optimizer_hook
    register_checkpoint_hook = hook_configs.register_checkpoint_hook
    register_timer_hook = hook_configs.register_timer_hook
    register_logger_hooks = hook_configs.register_logger_hooks
    register_profiler_hook = hook_configs.register_profiler_hook
    register_custom_hooks = hook_configs.register_custom_hooks
    register_hook_from_cfg = hook_configs.register_hook_from_cfg
    get_hook_info = hook_configs.get_hook_info
    current_lr = rates.current_lr
    current_momentum = rates.current_momentum
    save_checkpoint = saving.save_checkpoint
    resume = saving.resume
    load_checkpoint = saving.load_checkpoint

    @abstractmethod
    def _run(self, batches: IterLoader) -> None:
        """Runs the loop."""

    def run(self, data_loaders: Any, workflow: Any = None, max_epochs: int | None = None) -> None:
        """Trains until ``max_epochs`` or ``max_iters``.

        Args:
            data_loaders: the training loader, alone or in a list.
            workflow: ``[('train', 1)]``, as 1.x callers pass it.
            max_epochs: overrides the runner's.

        Raises:
            ConfigError: another workflow, or an empty loader.
        """
        check_workflow(workflow)
        loaders = data_loaders if isinstance(data_loaders, (list, tuple)) else [data_loaders]
        self.batches = IterLoader(check_not_empty(loaders[0]))
        if max_epochs is not None:
            self._max_epochs = max_epochs
        if self._max_epochs is not None:
            self._max_iters = self._max_epochs * len(self.batches)
        self._info("Start running, work_dir: %s", self.work_dir or "NONE")
        self._info("Hooks will be executed in the following order:\n%s", self.get_hook_info())
        with self.supervisor.watching(self):
            self.call_hook("before_run")
            if self._resumption is not None:
                self._resumption.restore(self, self.batches)
            elif self.unit == "epoch":
                self.batches.seek(self._epoch, 0)
            self.mode = "train"
            self._run(self.batches)
            self.supervisor.note("finishing the last checkpoint")
            self.strategy.finish_saving()
            self.call_hook("after_run")

    def run_iter(self, data_batch: Any) -> None:
        """Runs one batch through the model and keeps the outputs."""
        self.supervisor.note("forward")
        outputs = self.strategy.forward(data_batch)
        if not isinstance(outputs, dict):
            raise TypeError("model.train_step() must return a dict")
        self.loss_watch.add(self._iter, outputs)
        if "log_vars" in outputs:
            self.log_buffer.update(outputs["log_vars"], outputs["num_samples"])
        self.outputs = outputs

    def register_hook(self, hook: Hook, priority: int | str | Priority = "NORMAL") -> None:
        """Adds a hook behind those of the same or a higher priority."""
        if not isinstance(hook, Hook):
            raise AssertionError(f"a hook must derive from mmcv.runner.Hook, but got {type(hook)}")
        if hasattr(hook, "priority"):
            raise ValueError('"priority" is a reserved attribute for hooks')
        hook.priority = get_priority(priority)
        at = len(self._hooks)
        while at > 0 and self._hooks[at - 1].priority > hook.priority:
            at -= 1
        self._hooks.insert(at, hook)

    def call_hook(self, fn_name: str) -> None:
        """Calls the method of that name of every hook, in the order of their priorities."""
        self.call_hooks(self._hooks, fn_name)

    def call_hooks(self, hooks: list[Hook], fn_name: str) -> None:
        """Calls the method of that name of the given hooks."""
        is_outermost = self._event is None
        for hook in hooks:
            if is_outermost:
                self._event = fn_name, type(hook).__name__
                self.supervisor.note(f"{type(hook).__name__}.{fn_name}")
            getattr(hook, fn_name)(self)
        if is_outermost:
            self._event = None

    def _replay(self, event: str) -> None:
        if self._resumption is not None:
            self._resumption.replay(self, event)

    def _train_iter(self, batches: IterLoader) -> None:
        """Runs one iteration with its two events."""
        self.supervisor.note("loading data")
        self.data_batch = data_batch = next(batches)
        self.supervisor.guard.before_iteration(self, data_batch)
        self.call_hook("before_train_iter")
        self.run_iter(data_batch)
        self.call_hook("after_train_iter")
        self.data_batch = None
        if not self.supervisor.guard.is_step_open:
            self.loss_watch.look(self._iter)
        self._iter += 1
        self.supervisor.note("between iterations")
        self.supervisor.between_iterations(self)

    def _enter_train_mode(self) -> None:
        if not self.strategy.module.training:  # at the start, or a hook has run the model
            self.strategy.train()

    def _info(self, message: str, *args: Any) -> None:
        if self.logger is not None:
            self.logger.info(message, *args)


@RUNNERS.register_module()
class EpochBasedRunner(BaseRunner):
    """Trains for ``max_epochs``; hooks see the beginning and the end of each."""

    unit = "epoch"

    def _run(self, batches: IterLoader) -> None:
        assert self._max_epochs is not None, "max_epochs must be specified"
        self.data_loader = batches._dataloader
        self._replay("after_train_epoch")
        while self._epoch < self._max_epochs:
            self._train_epoch(batches)

    def _train_epoch(self, batches: IterLoader) -> None:
        """Runs one epoch, or the rest of the one that was resumed."""
        self._enter_train_mode()
        self.call_hook("before_train_epoch")
        self._inner_iter = max(batches.batch - 1, 0)  # of the iteration that is replayed
        self._replay("after_train_iter")
        while batches.batch < len(batches):
            self._inner_iter = batches.batch
            self._train_iter(batches)
        batches.seek(self._epoch + 1, 0)
        self.call_hook("after_train_epoch")
        self._epoch += 1


@RUNNERS.register_module()
class IterBasedRunner(BaseRunner):
    """Trains for ``max_iters``; the loader is repeated, and hooks see iterations only."""

    unit = "iter"

    def _run(self, batches: IterLoader) -> None:
        assert self._max_iters is not None, "max_iters must be specified"
        self.data_loader = batches
        self.call_hook("before_epoch")
        self._replay("after_train_iter")
        while self._iter < self._max_iters:
            self._enter_train_mode()
            self._epoch = batches.epoch  # 1.x: of the batch before this one
            self._train_iter(batches)
        self.call_hook("after_epoch")
