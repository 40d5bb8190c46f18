"""The learning-rate policies by their 1.x names; the curves are those of ``schedule.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.hooks import schedule
from mmcv.hooks.lr import LrUpdaterHook
from mmcv.hooks.schedule_options import check_milestones, check_share, check_target, require
from mmcv.registry import HOOKS


@HOOKS.register_module()
class FixedLrUpdaterHook(LrUpdaterHook):
    """Keeps the base rate; useful with a warm-up."""

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """Returns ``base_lr``."""
        return base_lr


@HOOKS.register_module()
class StepLrUpdaterHook(LrUpdaterHook):
    """Multiplies the rate by ``gamma`` at milestones.

    Args:
        step: the milestones, or one number: every so many epochs (iterations).
        gamma: factor.
        min_lr: floor.
        **kwargs: arguments of LrUpdaterHook.
    """

    def __init__(
        self,
        step: int | Sequence[int],
        gamma: float = 0.1,
        min_lr: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_milestones(step)
        self.step = step
        self.gamma = gamma
        self.min_lr = min_lr
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.step`."""
        return schedule.step(
            base_lr, self.now(runner), milestones=self.step, gamma=self.gamma, minimum=self.min_lr
        )


@HOOKS.register_module()
class ExpLrUpdaterHook(LrUpdaterHook):
    """Multiplies the rate by ``gamma`` every epoch (iteration)."""

    def __init__(self, gamma: float, **kwargs: Any) -> None:
        self.gamma = gamma
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.exponential`."""
        return schedule.exponential(base_lr, self.now(runner), gamma=self.gamma)


@HOOKS.register_module()
class PolyLrUpdaterHook(LrUpdaterHook):
    """Lets the rate fall to ``min_lr`` as ``(1 - progress) ** power``."""

    def __init__(self, power: float = 1.0, min_lr: float = 0.0, **kwargs: Any) -> None:
        self.power = power
        self.min_lr = min_lr
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.poly`."""
        now, total = self.now(runner), self.total(runner)
        return schedule.poly(base_lr, now, total, power=self.power, minimum=self.min_lr)


@HOOKS.register_module()
class InvLrUpdaterHook(LrUpdaterHook):
    """Lets the rate fall as ``(1 + gamma * progress) ** -power``."""

    def __init__(self, gamma: float, power: float = 1.0, **kwargs: Any) -> None:
        self.gamma = gamma
        self.power = power
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.inverse`."""
        return schedule.inverse(base_lr, self.now(runner), gamma=self.gamma, power=self.power)


class AnnealingLrUpdaterHook(LrUpdaterHook):
    """What the annealing policies share: an end, absolute or as a share of each group's rate.

    Args:
        min_lr: the rate at the end, the same for all groups.
        min_lr_ratio: the rate at the end as a share of the base rate. Exactly one is given.
        **kwargs: arguments of LrUpdaterHook.
    """

    def __init__(
        self, min_lr: float | None = None, min_lr_ratio: float | None = None, **kwargs: Any
    ) -> None:
        check_target("min_lr", min_lr, min_lr_ratio)
        self.min_lr = min_lr
        self.min_lr_ratio = min_lr_ratio
        super().__init__(**kwargs)

    def target(self, base_lr: float) -> float:
        """Returns the rate at which a group that began with ``base_lr`` ends."""
        return schedule.target_value(base_lr, self.min_lr, self.min_lr_ratio)


@HOOKS.register_module()
class CosineAnnealingLrUpdaterHook(AnnealingLrUpdaterHook):
    """Lets the rate fall along half a cosine (arXiv:1608.03983 without restarts)."""

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.cosine`."""
        now, total = self.now(runner), self.total(runner)
        return schedule.cosine(base_lr, now, total, target=self.target(base_lr))


@HOOKS.register_module()
class LinearAnnealingLrUpdaterHook(AnnealingLrUpdaterHook):
    """Lets the rate fall on a straight line."""

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.linear`."""
        now, total = self.now(runner), self.total(runner)
        return schedule.linear(base_lr, now, total, target=self.target(base_lr))


@HOOKS.register_module()
class FlatCosineAnnealingLrUpdaterHook(AnnealingLrUpdaterHook):
    """Keeps the rate for a share ``start_percent`` of training, then anneals by cosine."""

    def __init__(self, start_percent: float = 0.75, **kwargs: Any) -> None:
        check_share("start_percent", start_percent)
        self.start_percent = start_percent
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.flat_cosine`."""
        now, total = self.now(runner), self.total(runner)
        target = self.target(base_lr)
        return schedule.flat_cosine(
            base_lr, now, total, start_percent=self.start_percent, target=target
        )


@HOOKS.register_module()
class CosineRestartLrUpdaterHook(AnnealingLrUpdaterHook):
    """Anneals by cosine once per period (arXiv:1608.03983).

    Args:
        periods: lengths of the periods.
        restart_weights: how high each period starts, 1 being the base rate.
        **kwargs: ``min_lr`` or ``min_lr_ratio``, and arguments of LrUpdaterHook.
    """

    def __init__(
        self, periods: Sequence[int], restart_weights: Sequence[float] = (1,), **kwargs: Any
    ) -> None:
        require(
            len(periods) == len(restart_weights),
            f"periods and restart_weights must have the same length, but got {len(periods)} and"
            f" {len(restart_weights)}",
        )
        self.periods = periods
        self.restart_weights = restart_weights
        super().__init__(**kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.cosine_restart`."""
        return schedule.cosine_restart(
            base_lr,
            self.now(runner),
            periods=self.periods,
            weights=self.restart_weights,
            target=self.target(base_lr),
        )
