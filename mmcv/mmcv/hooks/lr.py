"""Learning rates: the hook that writes ``group['lr']``, with its warm-up, and ``build_lr_hook``.

``lr_config=dict(policy='poly', warmup='linear', warmup_iters=1500, by_epoch=False)`` becomes a
``PolyLrUpdaterHook``. The policies' hooks are in ``lr_policies.py``, their curves in
``schedule.py``. A project's own policy is a subclass with ``get_lr(self, runner, base_lr)``
registered as ``<Policy>LrUpdaterHook``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmcv.hooks.hook import Hook
from mmcv.hooks.schedule import POLICIES, annealing_cos, annealing_linear, warmup_factor
from mmcv.hooks.schedule_options import build_scheduled_hook, check_warmup, format_param
from mmcv.registry import ConfigError

__all__ = [
    "POLICIES",
    "LrUpdaterHook",
    "annealing_cos",
    "annealing_linear",
    "build_lr_hook",
    "format_param",
]

# One value per parameter group: a list, or a dict of lists where the runner has several optimizers.
Groups = Any


def build_lr_hook(lr_config: Mapping[str, Any] | Hook | None) -> Any:
    """Builds the hook of a config's ``lr_config``; a hook object (or None) is passed on.

    Raises:
        ConfigError: no ``policy``, or one that nobody registered; the nearest is named.
    """
    return build_scheduled_hook("lr_config", lr_config, suffix="LrUpdaterHook")


class LrUpdaterHook(Hook):
    """Sets the learning rate of every parameter group; subclasses say how in ``get_lr``.

    Args:
        by_epoch: the rate follows ``runner.epoch`` and is set before each epoch; otherwise it
            follows ``runner.iter`` and is set before each iteration.
        warmup: ``constant``, ``linear``, ``exp`` or None.
        warmup_iters: iterations (epochs, with ``warmup_by_epoch``) below the regular rate.
        warmup_ratio: share of the regular rate at the first iteration.
        warmup_by_epoch: ``warmup_iters`` counts epochs.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        warmup: str | None = None,
        warmup_iters: int = 0,
        warmup_ratio: float = 0.1,
        warmup_by_epoch: bool = False,
    ) -> None:
        check_warmup(warmup, warmup_iters, warmup_ratio)
        self.by_epoch = by_epoch
        self.warmup = warmup
        self.warmup_ratio = warmup_ratio
        self.warmup_by_epoch = warmup_by_epoch
        self.warmup_epochs = warmup_iters if warmup_by_epoch else None
        self.warmup_iters: int | None = None if warmup_by_epoch else warmup_iters
        self.base_lr: Groups = []
        self.regular_lr: Groups = []
        self._epoch: int | None = None  # the epoch that regular_lr belongs to

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """Returns the present regular rate of a group that began with ``base_lr``."""
        raise NotImplementedError

    def get_regular_lr(self, runner: Any) -> Groups:
        """Returns the rates of all groups as they are without warm-up."""
        return per_optimizer(self.base_lr, lambda lrs: [self.get_lr(runner, lr) for lr in lrs])

    def get_warmup_lr(self, cur_iters: int) -> Groups:
        """Returns the rates of all groups during warm-up: a share of ``self.regular_lr``."""
        iters = self.warmup_iters or 1
        factor = warmup_factor(str(self.warmup), cur_iters, iters, self.warmup_ratio)
        return per_optimizer(self.regular_lr, lambda lrs: [lr * factor for lr in lrs])

    def before_run(self, runner: Any) -> None:
        """Remembers every group's ``initial_lr``; it is kept in checkpoints."""

        def read(optimizer: Any) -> list[float]:
            return [g.setdefault("initial_lr", g["lr"]) for g in optimizer.param_groups]

        self.base_lr = per_optimizer(runner.optimizer, read)

    def before_train_epoch(self, runner: Any) -> None:
        """Sets the epoch's rate if the policy counts epochs."""
        self._measure_warmup(runner)
        if self.by_epoch:
            self._refresh(runner)
            self._set_lr(runner, self.regular_lr)

    def before_train_iter(self, runner: Any) -> None:
        """Sets the iteration's rate; policies that count epochs act here until warm-up is over."""
        self._measure_warmup(runner)
        # An IterBasedRunner has epochs, by its loader, but no event at their beginning.
        is_new = not self.by_epoch or runner.epoch != self._epoch
        if is_new:
            self._refresh(runner)
        if self.warmup and runner.iter < (self.warmup_iters or 0):
            self._set_lr(runner, self.get_warmup_lr(runner.iter))
        elif is_new or (self.warmup and runner.iter == self.warmup_iters):
            self._set_lr(runner, self.regular_lr)

    def now(self, runner: Any) -> int:
        """Returns the epochs or iterations done, whichever the policy counts."""
        return runner.epoch if self.by_epoch else runner.iter

    def total(self, runner: Any) -> int:
        """Returns the epochs or iterations of the whole run.

        Raises:
            ConfigError: the policy counts epochs and the runner iterations, or the reverse.
        """
        return schedule_length(self, runner)

    def _refresh(self, runner: Any) -> None:
        self.regular_lr = self.get_regular_lr(runner)
        self._epoch = runner.epoch

    def _measure_warmup(self, runner: Any) -> None:
        if self.warmup_iters is None and self.warmup_epochs is not None:
            self.warmup_iters = self.warmup_epochs * len(runner.data_loader)

    def _set_lr(self, runner: Any, lr_groups: Groups) -> None:
        set_per_group(runner.optimizer, lr_groups, lambda group, lr: group.update(lr=lr))


def per_optimizer(value: Any, function: Callable[[Any], Any]) -> Any:
    """Applies the function to a value, or to each in a dict (several optimizers)."""
    if isinstance(value, dict):
        return {name: function(item) for name, item in value.items()}
    return function(value)


def set_per_group(optimizer: Any, values: Groups, write: Callable[[dict, float], None]) -> None:
    """Calls ``write(group, value)`` for every group of one optimizer or of a dict of them."""
    pairs = [(optimizer, values)]
    if isinstance(optimizer, dict):
        pairs = [(one, values[name]) for name, one in optimizer.items()]
    for one, group_values in pairs:
        for group, value in zip(one.param_groups, group_values, strict=True):
            write(group, value)


def schedule_length(hook: Any, runner: Any) -> int:
    """Returns ``max_epochs`` or ``max_iters``, whichever the hook counts."""
    total = runner.max_epochs if hook.by_epoch else runner.max_iters
    if total is None:
        has, lacks = ("iterations", "max_epochs") if hook.by_epoch else ("epochs", "max_iters")
        raise ConfigError(
            f"{type(hook).__name__}: by_epoch={hook.by_epoch} needs the runner's {lacks}, but this"
            f" runner counts {has}; set by_epoch={not hook.by_epoch} in lr_config (momentum_config)"
        )
    return total
