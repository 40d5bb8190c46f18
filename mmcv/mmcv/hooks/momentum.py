"""Momentum schedules: like learning rates (``lr.py``), for ``momentum`` or Adam's first beta.

During warm-up a momentum is larger than its regular value: it is divided by the factor that a
learning rate is multiplied with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcv.hooks import schedule
from mmcv.hooks.hook import Hook
from mmcv.hooks.lr import Groups, per_optimizer, schedule_length, set_per_group
from mmcv.hooks.schedule_options import build_scheduled_hook, check_warmup


def build_momentum_hook(momentum_config: Mapping[str, Any] | Hook | None) -> Any:
    """Builds the hook of a config's ``momentum_config``; as ``build_lr_hook`` does for rates."""
    return build_scheduled_hook("momentum_config", momentum_config, suffix="MomentumUpdaterHook")


class MomentumUpdaterHook(Hook):
    """Sets the momentum of every parameter group; subclasses say how in ``get_momentum``.

    Args:
        by_epoch: follow ``runner.epoch``, set before each epoch; otherwise ``runner.iter``.
        warmup: ``constant``, ``linear``, ``exp`` or None.
        warmup_iters: iterations above the regular momentum.
        warmup_ratio: the first momentum is the regular one divided by this.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        warmup: str | None = None,
        warmup_iters: int = 0,
        warmup_ratio: float = 0.9,
    ) -> None:
        check_warmup(warmup, warmup_iters, warmup_ratio)
        self.by_epoch = by_epoch
        self.warmup = warmup
        self.warmup_iters = warmup_iters
        self.warmup_ratio = warmup_ratio
        self.base_momentum: Groups = []
        self.regular_momentum: Groups = []
        self._epoch: int | None = None  # the epoch that regular_momentum belongs to

    def get_momentum(self, runner: Any, base_momentum: float) -> float:
        """Returns the present regular momentum of a group that began with ``base_momentum``."""
        raise NotImplementedError

    def get_regular_momentum(self, runner: Any) -> Groups:
        """Returns the momenta of all groups as they are without warm-up."""
        return per_optimizer(
            self.base_momentum, lambda values: [self.get_momentum(runner, v) for v in values]
        )

    def get_warmup_momentum(self, cur_iters: int) -> Groups:
        """Returns the momenta of all groups during warm-up, from ``self.regular_momentum``."""
        kind = str(self.warmup)
        factor = schedule.warmup_factor(kind, cur_iters, self.warmup_iters, self.warmup_ratio)
        return per_optimizer(self.regular_momentum, lambda values: [v / factor for v in values])

    def before_run(self, runner: Any) -> None:
        """Remembers every group's ``initial_momentum``; checkpoints keep it."""

        def read(optimizer: Any) -> list[float]:
            groups = optimizer.param_groups
            return [g.setdefault("initial_momentum", get_group_momentum(g)) for g in groups]

        self.base_momentum = per_optimizer(runner.optimizer, read)

    def before_train_epoch(self, runner: Any) -> None:
        """Sets the epoch's momentum if the policy counts epochs."""
        if self.by_epoch:
            self._refresh(runner)
            self._set_momentum(runner, self.regular_momentum)

    def before_train_iter(self, runner: Any) -> None:
        """Sets the iteration's momentum; by-epoch policies act here until warm-up is over."""
        is_new = not self.by_epoch or runner.epoch != self._epoch
        if is_new:
            self._refresh(runner)
        if self.warmup and runner.iter < self.warmup_iters:
            self._set_momentum(runner, self.get_warmup_momentum(runner.iter))
        elif is_new or (self.warmup and runner.iter == self.warmup_iters):
            self._set_momentum(runner, self.regular_momentum)

    def now(self, runner: Any) -> int:
        """Returns the epochs or iterations done, whichever the policy counts."""
        return runner.epoch if self.by_epoch else runner.iter

    def total(self, runner: Any) -> int:
        """Returns the epochs or iterations of the whole run."""
        return schedule_length(self, runner)

    def _refresh(self, runner: Any) -> None:
        self.regular_momentum = self.get_regular_momentum(runner)
        self._epoch = runner.epoch

    def _set_momentum(self, runner: Any, momentum_groups: Groups) -> None:
        set_per_group(runner.optimizer, momentum_groups, set_group_momentum)


def get_group_momentum(group: Mapping[str, Any]) -> float:
    """Returns ``momentum``, or the first beta, of a parameter group."""
    return group["momentum"] if "momentum" in group else group["betas"][0]


def set_group_momentum(group: dict[str, Any], value: float) -> None:
    """Writes ``momentum``, or the first beta, of a parameter group."""
    if "momentum" in group:
        group["momentum"] = value
    elif "betas" in group:
        group["betas"] = (value, group["betas"][1])
