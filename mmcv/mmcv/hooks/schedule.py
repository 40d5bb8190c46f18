"""Schedules as pure functions: how a learning rate or a momentum moves with training progress.

Every policy takes ``(base, progress)``, ``total`` if it depends on the end of training, and its own
options; it returns the value for that moment. ``progress`` counts epochs or iterations from 0,
``total`` is how many there will be. Learning rates (``lr_policies.py``) and momenta
(``momentum.py``) share these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi

from mmcv.registry import ConfigError

Anneal = Callable[[float, float, float], float]
Phase = tuple[float, float, float]


def annealing_cos(start: float, end: float, factor: float, weight: float = 1) -> float:
    """Moves from start to end along half a cosine; ``weight`` scales the height above end."""
    return end + 0.5 * weight * (start - end) * (cos(pi * factor) + 1)


def annealing_linear(start: float, end: float, factor: float) -> float:
    """Moves from start to end on a straight line."""
    return start + (end - start) * factor


ANNEALING: dict[str, Anneal] = {"cos": annealing_cos, "linear": annealing_linear}


def fixed(base: float, progress: int) -> float:
    """Stays at base."""
    return base


def step(
    base: float,
    progress: int,
    *,
    milestones: int | Sequence[int],
    gamma: float = 0.1,
    minimum: float | None = None,
) -> float:
    """Multiplies by gamma at every milestone (or after every so many), never below minimum."""
    if isinstance(milestones, int):
        passed = progress // milestones
    else:
        # The first milestone still ahead decides, as in 1.x (also for unsorted lists).
        ahead = (i for i, milestone in enumerate(milestones) if progress < milestone)
        passed = next(ahead, len(milestones))
    value = base * gamma**passed
    return value if minimum is None else max(value, minimum)


def exponential(base: float, progress: int, *, gamma: float) -> float:
    """Multiplies by gamma every time."""
    return base * gamma**progress


def poly(
    base: float, progress: int, total: int, *, power: float = 1.0, minimum: float = 0.0
) -> float:
    """Falls from base to minimum as ``(1 - progress / total) ** power``."""
    return (base - minimum) * (1 - progress / total) ** power + minimum


def inverse(base: float, progress: int, *, gamma: float, power: float = 1.0) -> float:
    """Falls as ``(1 + gamma * progress) ** -power``."""
    return base * (1 + gamma * progress) ** -power


def cosine(base: float, progress: int, total: int, *, target: float) -> float:
    """Falls to target along half a cosine."""
    return annealing_cos(base, target, progress / total)


def linear(base: float, progress: int, total: int, *, target: float) -> float:
    """Falls to target on a straight line."""
    return annealing_linear(base, target, progress / total)


def flat_cosine(
    base: float, progress: int, total: int, *, start_percent: float, target: float
) -> float:
    """Stays at base for the first ``start_percent`` of training, then falls along half a cosine."""
    start = round(total * start_percent)
    if progress < start:
        return base
    return annealing_cos(base, target, (progress - start) / (total - start))


def cosine_restart(
    base: float,
    progress: int,
    *,
    periods: Sequence[int],
    weights: Sequence[float],
    target: float,
) -> float:
    """Falls to target once per period; each begins at ``weight * (base - target)`` above it."""
    start = 0
    for period, weight in zip(periods, weights, strict=True):
        if progress < start + period:
            return annealing_cos(base, target, min((progress - start) / period, 1), weight)
        start += period
    raise ConfigError(
        f"periods={list(periods)} end at {start}, but training has reached {progress}"
    )


def cyclic(
    base: float,
    progress: int,
    total: int,
    *,
    target_ratio: Sequence[float],
    times: int,
    ratio_up: float,
    gamma: float,
    anneal: Anneal,
) -> float:
    """Goes ``times`` times from base to ``target_ratio[0]`` and on to ``target_ratio[1]`` times it.

    ``ratio_up`` is the share of the first leg in a cycle. From cycle to cycle the excursion
    ``target_ratio[0] - 1`` shrinks by gamma.
    """
    period = total // times
    turn = int(ratio_up * period)
    position = progress % period
    scale = gamma ** (progress // period)
    peak = 1 - scale + target_ratio[0] * scale
    if position < turn:
        return anneal(base, base * peak, position / turn)
    return anneal(base * peak, base * target_ratio[1], (position - turn) / (period - turn))


def one_cycle(
    base: float,
    progress: int,
    total: int,
    *,
    pct_start: float,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
    anneal: Anneal,
) -> float:
    """Rises from base to ``div_factor * base``, then falls to ``base / final_div_factor``."""
    levels = [1.0, div_factor, 1.0] if three_phase else [1.0, div_factor]
    levels = [base * level for level in (*levels, 1 / final_div_factor)]
    return follow(one_cycle_phases(total, pct_start, levels), progress, anneal)


def one_cycle_phases(total: int, pct_start: float, levels: Sequence[float]) -> list[Phase]:
    """Returns (last moment, first value, last value) of the phases between successive levels.

    Args:
        total: how many iterations there are.
        pct_start: share of the first phase; of the first two each if there are three.
        levels: three values (two phases) or four (three phases).
    """
    ends = [float(i * pct_start * total) - i for i in range(1, len(levels) - 1)]
    return list(zip([*ends, total - 1], levels, levels[1:], strict=False))


def target_value(base: float, minimum: float | None, ratio: float | None) -> float:
    """Returns where an annealing ends: a share of the base value, or else an absolute minimum."""
    if ratio is not None:
        return base * ratio
    assert minimum is not None
    return minimum


def follow(phases: Sequence[Phase], progress: int, anneal: Anneal) -> float:
    """Returns the value at ``progress`` on a chain of (last moment, first, last value)."""
    start = 0.0
    for end, first, last in phases:
        if progress <= end:
            return anneal(first, last, (progress - start) / (end - start) if end > start else 1.0)
        start = end
    return phases[-1][2]


def warmup_factor(kind: str, cur_iter: int, iters: int, ratio: float) -> float:
    """Returns the share of the regular value during warm-up, from ``ratio`` towards 1.

    Args:
        kind: ``constant``, ``linear`` or ``exp``.
        cur_iter: iterations done.
        iters: length of the warm-up.
        ratio: share at iteration 0.
    """
    if kind == "constant":
        return ratio
    if kind == "linear":
        return 1 - (1 - cur_iter / iters) * (1 - ratio)
    return ratio ** (1 - cur_iter / iters)


# By the names that lr_config and momentum_config use.
POLICIES: dict[str, Callable[..., float]] = {
    "fixed": fixed,
    "step": step,
    "exp": exponential,
    "poly": poly,
    "inv": inverse,
    "CosineAnnealing": cosine,
    "FlatCosineAnnealing": flat_cosine,
    "CosineRestart": cosine_restart,
    "LinearAnnealing": linear,
    "cyclic": cyclic,
    "OneCycle": one_cycle,
}
