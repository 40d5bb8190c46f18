"""The momentum policies by their 1.x names; the curves are those of ``schedule.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.hooks import schedule
from mmcv.hooks.lr import Groups, per_optimizer
from mmcv.hooks.momentum import MomentumUpdaterHook, set_group_momentum
from mmcv.hooks.schedule_options import (
    check_cycle,
    check_milestones,
    check_share,
    check_target,
    format_param,
    format_target_ratio,
    get_annealing,
    require,
)
from mmcv.registry import HOOKS, ConfigError


@HOOKS.register_module()
class StepMomentumUpdaterHook(MomentumUpdaterHook):
    """Multiplies the momentum by ``gamma`` at the milestones ``step``, to ``min_momentum``."""

    def __init__(
        self,
        step: int | Sequence[int],
        gamma: float = 0.5,
        min_momentum: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_milestones(step)
        self.step = step
        self.gamma = gamma
        self.min_momentum = min_momentum
        super().__init__(**kwargs)

    def get_momentum(self, runner: Any, base_momentum: float) -> float:
        """See :func:`schedule.step`."""
        return schedule.step(
            base_momentum,
            self.now(runner),
            milestones=self.step,
            gamma=self.gamma,
            minimum=self.min_momentum,
        )


class AnnealingMomentumUpdaterHook(MomentumUpdaterHook):
    """What the annealing policies share: an end, absolute or as a share of the base."""

    def __init__(
        self,
        min_momentum: float | None = None,
        min_momentum_ratio: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_target("min_momentum", min_momentum, min_momentum_ratio)
        self.min_momentum = min_momentum
        self.min_momentum_ratio = min_momentum_ratio
        super().__init__(**kwargs)

    def target(self, base_momentum: float) -> float:
        """Returns the momentum at which a group that began with ``base_momentum`` ends."""
        return schedule.target_value(base_momentum, self.min_momentum, self.min_momentum_ratio)


@HOOKS.register_module()
class CosineAnnealingMomentumUpdaterHook(AnnealingMomentumUpdaterHook):
    """Moves the momentum along half a cosine."""

    def get_momentum(self, runner: Any, base_momentum: float) -> float:
        """See :func:`schedule.cosine`."""
        now, total = self.now(runner), self.total(runner)
        return schedule.cosine(base_momentum, now, total, target=self.target(base_momentum))


@HOOKS.register_module()
class LinearAnnealingMomentumUpdaterHook(AnnealingMomentumUpdaterHook):
    """Moves the momentum on a straight line."""

    def get_momentum(self, runner: Any, base_momentum: float) -> float:
        """See :func:`schedule.linear`."""
        now, total = self.now(runner), self.total(runner)
        return schedule.linear(base_momentum, now, total, target=self.target(base_momentum))


@HOOKS.register_module()
class CyclicMomentumUpdaterHook(MomentumUpdaterHook):
    """Cycles the momentum against ``CyclicLrUpdaterHook``, with the same arguments."""

    def __init__(
        self,
        by_epoch: bool = False,
        target_ratio: float | Sequence[float] = (0.85 / 0.95, 1.0),
        cyclic_times: int = 1,
        step_ratio_up: float = 0.4,
        anneal_strategy: str = "cos",
        gamma: float = 1.0,
        **kwargs: Any,
    ) -> None:
        check_cycle(by_epoch, step_ratio_up, gamma)
        self.target_ratio = format_target_ratio(target_ratio)
        self.cyclic_times = cyclic_times
        self.step_ratio_up = step_ratio_up
        self.anneal_func = get_annealing(anneal_strategy)
        self.gamma = gamma
        super().__init__(by_epoch, **kwargs)

    def get_momentum(self, runner: Any, base_momentum: float) -> float:
        """See :func:`schedule.cyclic`."""
        return schedule.cyclic(
            base_momentum,
            runner.iter,
            self.total(runner),
            target_ratio=self.target_ratio,
            times=self.cyclic_times,
            ratio_up=self.step_ratio_up,
            gamma=self.gamma,
            anneal=self.anneal_func,
        )


@HOOKS.register_module()
class OneCycleMomentumUpdaterHook(MomentumUpdaterHook):
    """Lowers the momentum while ``OneCycleLrUpdaterHook`` raises the rate, and back.

    Args:
        base_momentum: lowest momentum: a number, a list by group, or a dict by optimizer name.
        max_momentum: momentum at both ends, likewise.
        pct_start: share of the first phase.
        anneal_strategy: ``cos`` or ``linear``.
        three_phase: be back at ``max_momentum`` after twice ``pct_start`` and stay there.
        **kwargs: arguments of MomentumUpdaterHook; ``by_epoch`` must be False.
    """

    def __init__(
        self,
        base_momentum: float | Sequence[float] | Mapping[str, Any] = 0.85,
        max_momentum: float | Sequence[float] | Mapping[str, Any] = 0.95,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        three_phase: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("by_epoch", False)
        require(not kwargs["by_epoch"], 'OneCycle counts iterations: set "by_epoch" = False')
        for name, value in (("base_momentum", base_momentum), ("max_momentum", max_momentum)):
            if not isinstance(value, (float, list, tuple, Mapping)):
                raise ConfigError(f"{name} must be a float, a list or a dict, but got {value!r}")
        check_share("pct_start", pct_start)
        self._base_momentum = base_momentum
        self._max_momentum = max_momentum
        self.pct_start = pct_start
        self.anneal_func = get_annealing(anneal_strategy)
        self.three_phase = three_phase
        super().__init__(**kwargs)

    def before_run(self, runner: Any) -> None:
        """Writes both ends of the range into every parameter group."""

        def prepare(optimizer: Any) -> None:
            if not {"momentum", "betas"} & set(optimizer.defaults):
                raise ConfigError("momentum_config: OneCycle needs an optimizer with a momentum")
            name = type(optimizer).__name__
            low = format_param(name, optimizer, self._base_momentum)
            high = format_param(name, optimizer, self._max_momentum)
            for group, base, peak in zip(optimizer.param_groups, low, high, strict=True):
                set_group_momentum(group, peak)
                group["base_momentum"] = base
                group["max_momentum"] = peak

        per_optimizer(runner.optimizer, prepare)

    def get_regular_momentum(self, runner: Any) -> Groups:
        """Returns the momenta of all groups."""

        def values(optimizer: Any) -> list[float]:
            return [self.get_momentum(runner, group) for group in optimizer.param_groups]

        return per_optimizer(runner.optimizer, values)

    def get_momentum(self, runner: Any, param_group: Any) -> float:
        """Returns the momentum of a parameter group between its two ends."""
        low, high = param_group["base_momentum"], param_group["max_momentum"]
        levels = [high, low, high, high] if self.three_phase else [high, low, high]
        phases = schedule.one_cycle_phases(runner.max_iters, self.pct_start, levels)
        return schedule.follow(phases, runner.iter, self.anneal_func)
