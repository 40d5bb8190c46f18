"""Learning rates and momenta of a runner's optimizers.

Functions of a runner; ``BaseRunner`` has them as methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

Rates = list[float] | dict[str, list[float]]


def current_lr(runner: BaseRunner) -> Rates:
    """Returns the learning rates of the groups; by name, if there are several optimizers."""
    return _of_groups(runner, lambda group: group["lr"], "lr")


def current_momentum(runner: BaseRunner) -> Rates:
    """Returns the momenta, or Adam's first betas, of the groups; by name, if there are several."""
    return _of_groups(runner, _momentum, "momentum")


def _of_groups(runner: BaseRunner, read: Callable[[Any], float], name: str) -> Rates:
    optimizer = runner.optimizer
    if optimizer is None:
        raise RuntimeError(f"{name} is not applicable because optimizer does not exist.")
    if isinstance(optimizer, Mapping):
        return {key: [read(group) for group in one.param_groups] for key, one in optimizer.items()}
    return [read(group) for group in runner.strategy.param_groups]


def _momentum(group: Mapping[str, Any]) -> float:
    return group["momentum"] if "momentum" in group else group.get("betas", (0,))[0]
