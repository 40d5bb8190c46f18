"""Every learning-rate policy against a closed form, driven by the events of a training loop."""

from __future__ import annotations

from math import cos, pi
from types import SimpleNamespace

import pytest
import torch

from mmcv.hooks.lr import LrUpdaterHook, build_lr_hook
from mmcv.registry import HOOKS, ConfigError

BASES = (0.1, 0.02)
EPOCHS, LENGTH = 6, 5
ITERS = EPOCHS * LENGTH


def make_runner(optimizer=None, **attributes):
    if optimizer is None:
        groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in BASES]
        optimizer = torch.optim.SGD(groups, lr=1.0)
    defaults = dict(epoch=0, iter=0, max_epochs=EPOCHS, max_iters=ITERS)
    return SimpleNamespace(
        optimizer=optimizer, data_loader=range(LENGTH), **{**defaults, **attributes}
    )


def drive(hook, runner):
    """Returns the rates of all groups at every iteration of an epoch-based run."""
    rates = []
    hook.before_run(runner)
    for runner.epoch in range(EPOCHS):
        hook.before_train_epoch(runner)
        for _ in range(LENGTH):
            hook.before_train_iter(runner)
            rates.append([group["lr"] for group in runner.optimizer.param_groups])
            runner.iter += 1
    return rates


def anneal(start, end, factor):
    return end + (start - end) * (1 + cos(pi * factor)) / 2


def restart(base, now, periods, weights, end):
    while now >= periods[0]:
        now, periods, weights = now - periods[0], periods[1:], weights[1:]
    return end + weights[0] * (base - end) * (1 + cos(pi * now / periods[0])) / 2


# policy options, closed form f(base, now, total); `now` counts epochs or iterations.
POLICIES = {
    "fixed": (dict(policy="fixed"), lambda b, n, t: b),
    "step": (dict(policy="step", step=[2, 4]), lambda b, n, t: b * 0.1 ** ((n >= 2) + (n >= 4))),
    "step, every": (dict(policy="step", step=2, gamma=0.5), lambda b, n, t: b / 2 ** (n // 2)),
    "step, floor": (
        dict(policy="step", step=[1, 3], min_lr=5e-3),
        lambda b, n, t: max(b * 0.1 ** ((n >= 1) + (n >= 3)), 5e-3),
    ),
    "exp": (dict(policy="exp", gamma=0.9), lambda b, n, t: b * 0.9**n),
    "poly": (dict(policy="poly"), lambda b, n, t: b * (1 - n / t)),
    "poly, floor": (
        dict(policy="poly", power=0.9, min_lr=1e-3),
        lambda b, n, t: 1e-3 + (b - 1e-3) * (1 - n / t) ** 0.9,
    ),
    "inv": (dict(policy="inv", gamma=0.3, power=2.0), lambda b, n, t: b / (1 + 0.3 * n) ** 2),
    "cosine": (
        dict(policy="CosineAnnealing", min_lr_ratio=0.01),
        lambda b, n, t: anneal(b, b * 0.01, n / t),
    ),
    "cosine, absolute": (
        dict(policy="CosineAnnealing", min_lr=0.0),
        lambda b, n, t: anneal(b, 0, n / t),
    ),
    "linear": (
        dict(policy="LinearAnnealing", min_lr=1e-3),
        lambda b, n, t: b + (1e-3 - b) * n / t,
    ),
    "flat cosine": (
        dict(policy="FlatCosineAnnealing", start_percent=0.5, min_lr_ratio=0.1),
        lambda b, n, t: b if n < t / 2 else anneal(b, b * 0.1, (n - t / 2) / (t / 2)),
    ),
    "cosine restart": (
        dict(
            policy="CosineRestart", periods=[2, 3, 40], restart_weights=[1, 0.5, 0.25], min_lr=1e-3
        ),
        lambda b, n, t: restart(b, n, [2, 3, 40], [1, 0.5, 0.25], 1e-3),
    ),
}
WARMUPS = {
    None: lambda i, length: 1.0,
    "constant": lambda i, length: 0.1,
    "linear": lambda i, length: 0.1 + 0.9 * i / length,
    "exp": lambda i, length: 0.1 ** (1 - i / length),
}


@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("by_epoch", [True, False])
@pytest.mark.parametrize("name", POLICIES)
def test_policy_equals_closed_form_with_and_without_warmup(name, by_epoch, warmup):
    options, curve = POLICIES[name]
    length = 7 if warmup else 0
    config = dict(options, by_epoch=by_epoch, warmup=warmup, warmup_iters=length)
    before = dict(config)
    rates = drive(build_lr_hook(config), make_runner())
    assert config == before
    for i, row in enumerate(rates):
        now, total = (i // LENGTH, EPOCHS) if by_epoch else (i, ITERS)
        share = WARMUPS[warmup](i, length) if i < length else 1.0
        assert row == pytest.approx([share * curve(b, now, total) for b in BASES], rel=1e-12)


@pytest.mark.parametrize("by_epoch", [True, False])
def test_warmup_by_epoch_lasts_whole_epochs(by_epoch):
    hook = build_lr_hook(
        dict(
            policy="poly",
            by_epoch=by_epoch,
            warmup="linear",
            warmup_iters=2,
            warmup_ratio=0.5,
            warmup_by_epoch=True,
        )
    )
    for i, row in enumerate(drive(hook, make_runner())):
        done = i // LENGTH / EPOCHS if by_epoch else i / ITERS
        share = min(0.5 + 0.5 * i / (2 * LENGTH), 1)
        assert row == pytest.approx([share * b * (1 - done) for b in BASES], rel=1e-12)


def test_cyclic_goes_up_and_down_and_shrinks_by_gamma():
    hook = build_lr_hook(
        dict(
            policy="cyclic",
            target_ratio=(10, 0.1),
            cyclic_times=2,
            step_ratio_up=0.4,
            gamma=0.5,
            anneal_strategy="linear",
        )
    )
    period, turn = ITERS // 2, 6
    for i, row in enumerate(drive(hook, make_runner())):
        peak = (10, 1 + 9 * 0.5)[i // period]
        at = i % period
        if at < turn:
            ratio = 1 + (peak - 1) * at / turn
        else:
            ratio = peak + (0.1 - peak) * (at - turn) / (period - turn)
        assert row == pytest.approx([b * ratio for b in BASES], rel=1e-12)


def test_cyclic_with_a_single_ratio_ends_at_its_hundred_thousandth():
    hook = build_lr_hook(dict(policy="cyclic", target_ratio=5.0))
    rates = drive(hook, make_runner())
    turn = int(0.4 * ITERS)
    assert rates[0] == pytest.approx(list(BASES))
    assert rates[turn] == pytest.approx([5 * b for b in BASES])
    expected = [anneal(5 * b, 5e-5 * b, (ITERS - 1 - turn) / (ITERS - turn)) for b in BASES]
    assert rates[-1] == pytest.approx(expected)


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_one_cycle_equals_torch(three_phase, strategy):
    options = dict(
        pct_start=0.3,
        anneal_strategy=strategy,
        div_factor=25,
        final_div_factor=1e4,
        three_phase=three_phase,
    )
    runner, peer = make_runner(), make_runner().optimizer
    peaks = [0.5, 0.05]
    rates = drive(build_lr_hook(dict(policy="OneCycle", max_lr=peaks, **options)), runner)
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        peer, peaks, total_steps=ITERS, cycle_momentum=False, **options
    )
    for row in rates:
        assert row == pytest.approx([group["lr"] for group in peer.param_groups], rel=1e-12)
        peer.step()
        if oracle.last_epoch < ITERS - 1:
            oracle.step()


def test_one_cycle_takes_peaks_by_optimizer_name_and_checks_the_steps():
    hook = build_lr_hook(dict(policy="OneCycle", max_lr={"SGD": [0.5, 0.25]}))
    assert drive(hook, make_runner())[0] == pytest.approx([0.5 / 25, 0.25 / 25])
    with pytest.raises(ConfigError, match="total_steps=3"):
        build_lr_hook(dict(policy="OneCycle", max_lr=0.1, total_steps=3)).before_run(make_runner())
    with pytest.raises(ValueError, match="expected 2 values"):
        build_lr_hook(dict(policy="OneCycle", max_lr=[0.1])).before_run(make_runner())
    with pytest.raises(KeyError, match="SGD is not found"):
        build_lr_hook(dict(policy="OneCycle", max_lr={"SDG": 0.1})).before_run(make_runner())


def test_a_resumed_run_continues_from_the_initial_lr_of_its_groups():
    hook = build_lr_hook(dict(policy="poly", by_epoch=False))
    runner = make_runner()
    for group, base in zip(runner.optimizer.param_groups, BASES, strict=True):
        group.update(initial_lr=base, lr=base / 3)  # as restored by optimizer.load_state_dict
    runner.iter = 12
    hook.before_run(runner)
    hook.before_train_iter(runner)
    rates = [group["lr"] for group in runner.optimizer.param_groups]
    assert rates == pytest.approx([b * (1 - 12 / ITERS) for b in BASES])


def test_several_optimizers_have_their_own_rates():
    optimizers = {
        name: torch.optim.SGD([torch.zeros(1)], lr=lr) for name, lr in (("g", 1.0), ("d", 0.5))
    }
    runner = make_runner(optimizers)
    hook = build_lr_hook(
        dict(policy="poly", by_epoch=False, warmup="linear", warmup_iters=10, warmup_ratio=0.2)
    )
    hook.before_run(runner)
    runner.iter = 5
    hook.before_train_iter(runner)
    for name, base in (("g", 1.0), ("d", 0.5)):
        expected = base * (1 - 5 / ITERS) * 0.6
        assert optimizers[name].param_groups[0]["lr"] == pytest.approx(expected)


def test_a_projects_own_policy_only_writes_get_lr():
    class HalvingLrUpdaterHook(LrUpdaterHook):
        def get_lr(self, runner, base_lr):
            return base_lr / 2**runner.epoch

    HOOKS.register_module(module=HalvingLrUpdaterHook)
    try:
        rates = drive(build_lr_hook(dict(policy="Halving")), make_runner())
    finally:
        HOOKS.module_dict.pop("HalvingLrUpdaterHook")
    assert rates == [[b / 2 ** (i // LENGTH) for b in BASES] for i in range(ITERS)]


def test_epochs_of_the_loader_count_where_a_runner_has_no_epoch_events():
    hook = build_lr_hook(dict(policy="step", step=[1, 3]))
    runner = make_runner(max_epochs=None)
    hook.before_run(runner)
    for runner.epoch in range(5):
        hook.before_train_iter(runner)
        rates = [group["lr"] for group in runner.optimizer.param_groups]
        assert rates == pytest.approx([b * (1, 0.1, 0.1, 0.01, 0.01)[runner.epoch] for b in BASES])


def test_a_hook_object_is_passed_on():
    hook = HOOKS.build(dict(type="FixedLrUpdaterHook"))
    assert build_lr_hook(hook) is hook
    assert build_lr_hook(None) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (dict(policy="ploy"), "lr_config.policy: 'ploy' is unknown; did you mean 'Poly'"),
        (dict(power=1.0), "lr_config needs the key 'policy'"),
        (dict(policy="poly", powr=1.0), "lr_config: .*'powr'; did you mean 'power'"),
        (dict(policy="poly", warmup="liner"), "'liner' is not one of .*did you mean 'linear'"),
        (dict(policy="poly", warmup="linear"), "warmup_iters must be positive"),
        (dict(policy="fixed", warmup="exp", warmup_iters=1, warmup_ratio=2), "in \\(0, 1\\]"),
        (dict(policy="step", step=[0, 1]), "positive integers"),
        (dict(policy="step", step="8"), "must be a list or integer"),
        (dict(policy="CosineAnnealing"), "either min_lr or min_lr_ratio"),
        (dict(policy="CosineAnnealing", min_lr=0, min_lr_ratio=0.1), "either min_lr or"),
        (dict(policy="FlatCosineAnnealing", start_percent=1.5, min_lr=0), "between 0 and 1"),
        (dict(policy="CosineRestart", periods=[1, 2], min_lr=0), "the same length"),
        (dict(policy="cyclic", by_epoch=True), "by_epoch"),
        (dict(policy="cyclic", target_ratio=(1.0, 2.0, 3.0)), "two floats"),
        (dict(policy="cyclic", step_ratio_up=1.4), "step_ratio_up"),
        (dict(policy="cyclic", gamma=0), "gamma"),
        (dict(policy="cyclic", anneal_strategy="sin"), "'cos' or 'linear'"),
        (dict(policy="OneCycle", max_lr=0.1, by_epoch=True), "by_epoch"),
        (dict(policy="OneCycle", max_lr=0.1, pct_start=-0.1), "between 0 and 1"),
    ],
)
def test_wrong_options_name_key_and_cure(config, message):
    with pytest.raises(ConfigError, match=message):
        build_lr_hook(config)


def test_periods_that_end_before_training_are_an_error():
    hook = build_lr_hook(dict(policy="CosineRestart", periods=[2], min_lr=0.0))
    with pytest.raises(ValueError, match="end at 2, but training has reached 2"):
        drive(hook, make_runner())


def test_counting_epochs_in_a_run_that_ends_after_iterations_is_an_error():
    hook = build_lr_hook(dict(policy="poly"))
    runner = make_runner(max_epochs=None)
    hook.before_run(runner)
    with pytest.raises(ConfigError, match="by_epoch=False in lr_config"):
        hook.before_train_epoch(runner)
