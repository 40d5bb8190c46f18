"""Learning rates that rise and fall: cycles (arXiv:1506.01186), one cycle (arXiv:1708.07120)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.hooks import schedule
from mmcv.hooks.lr import LrUpdaterHook, per_optimizer
from mmcv.hooks.schedule_options import (
    check_cycle,
    check_share,
    format_param,
    format_target_ratio,
    get_annealing,
    require,
)
from mmcv.registry import HOOKS, ConfigError


@HOOKS.register_module()
class CyclicLrUpdaterHook(LrUpdaterHook):
    """Cycles between the base rate and a multiple of it.

    Args:
        by_epoch: must be False.
        target_ratio: (peak, end) as multiples of the base rate; a single float is the peak, and
            the end is 1e-5 of it.
        cyclic_times: cycles in the run.
        step_ratio_up: share of a cycle in which the rate rises.
        anneal_strategy: ``cos`` or ``linear``.
        gamma: what is left of the rise from one cycle to the next.
        **kwargs: arguments of LrUpdaterHook.
    """

    def __init__(
        self,
        by_epoch: bool = False,
        target_ratio: float | Sequence[float] = (10, 1e-4),
        cyclic_times: int = 1,
        step_ratio_up: float = 0.4,
        anneal_strategy: str = "cos",
        gamma: float = 1,
        **kwargs: Any,
    ) -> None:
        check_cycle(by_epoch, step_ratio_up, gamma)
        self.target_ratio = format_target_ratio(target_ratio)
        self.cyclic_times = cyclic_times
        self.step_ratio_up = step_ratio_up
        self.anneal_func = get_annealing(anneal_strategy)
        self.gamma = gamma
        super().__init__(by_epoch, **kwargs)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.cyclic`."""
        return schedule.cyclic(
            base_lr,
            runner.iter,
            self.total(runner),
            target_ratio=self.target_ratio,
            times=self.cyclic_times,
            ratio_up=self.step_ratio_up,
            gamma=self.gamma,
            anneal=self.anneal_func,
        )


@HOOKS.register_module()
class OneCycleLrUpdaterHook(LrUpdaterHook):
    """One rise and one fall; the optimizer's own rates are replaced.

    Args:
        max_lr: the peak: a number, a list by parameter group, or a dict by optimizer name.
        total_steps: iterations of the schedule; by default those of the run.
        pct_start: share of the rise.
        anneal_strategy: ``cos`` or ``linear``.
        div_factor: the first rate is ``max_lr / div_factor``.
        final_div_factor: the last rate is the first one divided by this.
        three_phase: fall as long as the rise first, then go on to the end.
        **kwargs: arguments of LrUpdaterHook; ``by_epoch`` must be False.
    """

    def __init__(
        self,
        max_lr: float | Sequence[float] | Mapping[str, Any],
        total_steps: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("by_epoch", False)
        require(not kwargs["by_epoch"], 'OneCycle counts iterations: set "by_epoch" = False')
        if not isinstance(max_lr, (int, float, list, tuple, Mapping)):
            raise ConfigError(f"max_lr must be a number, a list or a dict, but got {max_lr!r}")
        check_share("pct_start", pct_start)
        self._max_lr = max_lr
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.anneal_func = get_annealing(anneal_strategy)
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self.three_phase = three_phase
        super().__init__(**kwargs)

    def before_run(self, runner: Any) -> None:
        """Derives every group's first rate from ``max_lr``."""
        if self.total_steps is not None and self.total_steps < runner.max_iters:
            raise ConfigError(
                f"lr_config.total_steps={self.total_steps} is less than the run's"
                f" {runner.max_iters} iterations"
            )

        def read(optimizer: Any) -> list[float]:
            peaks = format_param(type(optimizer).__name__, optimizer, self._max_lr)
            rates = [peak / self.div_factor for peak in peaks]
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group.setdefault("initial_lr", rate)
            return rates

        self.base_lr = per_optimizer(runner.optimizer, read)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """See :func:`schedule.one_cycle`."""
        return schedule.one_cycle(
            base_lr,
            runner.iter,
            self.total_steps or self.total(runner),
            pct_start=self.pct_start,
            div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
            three_phase=self.three_phase,
            anneal=self.anneal_func,
        )
