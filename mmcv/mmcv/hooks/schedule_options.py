"""Checks of the options that learning-rate and momentum hooks take from a config."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.hooks.schedule import ANNEALING, Anneal
from mmcv.registry import HOOKS, ArgumentError, ConfigError, config_path, did_you_mean


class OptionError(ConfigError, AssertionError):
    """An option out of its range. 1.x asserted these, so it is an ``AssertionError`` too."""


def require(condition: bool, message: str) -> None:
    """Raises OptionError with the message unless the condition holds."""
    if not condition:
        raise OptionError(message)


def build_scheduled_hook(section: str, config: Any, *, suffix: str) -> Any:
    """Builds ``<Policy><suffix>`` from a section with a ``policy`` key; passes a hook on.

    Args:
        section: name of the config section (``lr_config``, ``momentum_config``), for messages.
        config: the section: ``policy`` and the hook's arguments. It is not changed.
        suffix: how the hooks of this section are called in the registry.

    Raises:
        ConfigError: no ``policy``, or one that nobody registered; the nearest is named.
    """
    if not isinstance(config, Mapping):
        return config
    policies = [name.removesuffix(suffix) for name in HOOKS.module_dict if name.endswith(suffix)]
    possible = ", ".join(sorted(policy for policy in policies if policy))
    policy = config.get("policy")
    if not isinstance(policy, str):
        raise ConfigError(f"{section} needs the key 'policy' (possible: {possible})")
    # 'poly' means Poly...Hook; a name with capitals ('CosineAnnealing') is taken as it is.
    name = policy.title() if policy == policy.lower() else policy
    if name not in policies:
        hint = did_you_mean(name, policies)
        raise ConfigError(f"{section}.policy: {policy!r} is unknown{hint} (possible: {possible})")
    options = {key: value for key, value in config.items() if key != "policy"}
    options["type"] = name + suffix
    with config_path(section, options):
        return HOOKS.build(options)


def format_param(name: str, optim: Any, param: Any) -> list[float]:
    """Returns one value per parameter group from a number, a list, or a dict by optimizer name."""
    if isinstance(param, numbers.Real):
        return [float(param)] * len(optim.param_groups)
    if isinstance(param, Mapping):
        if name not in param:
            hint = did_you_mean(name, param)
            raise ConfigError(f"{name} is not found in {list(param)}{hint}")
        return param[name]
    if len(param) != len(optim.param_groups):
        groups = len(optim.param_groups)
        raise ConfigError(f"expected {groups} values for {name}, got {len(param)}")
    return list(param)


def check_warmup(warmup: str | None, warmup_iters: int, warmup_ratio: float) -> None:
    """Raises ConfigError for warm-up options that make no sense."""
    if warmup is None:
        return
    kinds = ("constant", "linear", "exp")
    if warmup not in kinds:
        hint = did_you_mean(warmup, kinds)
        raise ConfigError(f"warmup={warmup!r} is not one of {', '.join(kinds)}{hint}")
    require(warmup_iters > 0, f"warmup_iters must be positive, but got {warmup_iters}")
    require(0 < warmup_ratio <= 1, f"warmup_ratio must be in (0, 1], but got {warmup_ratio}")


def get_annealing(strategy: str) -> Anneal:
    """Returns the function behind the config value of ``anneal_strategy``."""
    if strategy not in ANNEALING:
        raise ConfigError(f"anneal_strategy must be 'cos' or 'linear', but got {strategy!r}")
    return ANNEALING[strategy]


def check_target(name: str, minimum: float | None, ratio: float | None) -> None:
    """Raises ConfigError unless exactly one of the two ways to give an annealing's end is used."""
    require(
        (minimum is None) != (ratio is None),
        f"give either {name} or {name}_ratio, but got {name}={minimum}, {name}_ratio={ratio}",
    )


def check_milestones(step: int | Sequence[int]) -> None:
    """Raises ConfigError unless ``step`` is a positive integer or a list of them."""
    if not isinstance(step, (int, list, tuple)):
        raise ArgumentError(f'"step" must be a list or integer, but got {step!r}')
    steps = [step] if isinstance(step, int) else step
    valid = all(isinstance(s, int) and s > 0 for s in steps)
    require(valid, f'"step" must hold positive integers, but got {step!r}')


def check_share(name: str, value: float) -> None:
    """Raises ConfigError unless the value is a float in [0, 1]."""
    if not isinstance(value, float) or not 0 <= value <= 1:
        raise ConfigError(f"expected float between 0 and 1 {name}, but got {value!r}")


def check_cycle(by_epoch: bool, step_ratio_up: float, gamma: float) -> None:
    """Raises ConfigError for options of a cyclic schedule out of their range."""
    require(not by_epoch, 'cyclic schedules count iterations: set "by_epoch" = False')
    require(0 <= step_ratio_up < 1, f"step_ratio_up must be in [0, 1), but got {step_ratio_up}")
    require(0 < gamma <= 1, f"gamma must be in (0, 1], but got {gamma}")


def format_target_ratio(target_ratio: float | Sequence[float]) -> tuple[float, float]:
    """Returns (turning point, end) of a cycle; the end of a single number is 1e-5 of it."""
    if isinstance(target_ratio, float):
        return target_ratio, target_ratio / 1e5
    if not isinstance(target_ratio, (tuple, list)):
        raise ConfigError(f"target_ratio must be a float or a tuple, but got {target_ratio!r}")
    if len(target_ratio) == 1:
        return target_ratio[0], target_ratio[0] / 1e5
    require(len(target_ratio) == 2, f"target_ratio must have two floats, but got {target_ratio!r}")
    return target_ratio[0], target_ratio[1]
