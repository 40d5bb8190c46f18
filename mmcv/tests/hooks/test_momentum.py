"""Momentum policies against closed forms and against torch's one-cycle schedule."""

from __future__ import annotations

from math import cos, pi
from types import SimpleNamespace

import pytest
import torch

from mmcv.hooks.momentum import build_momentum_hook
from mmcv.registry import ConfigError

BASES = (0.9, 0.8)
EPOCHS, LENGTH = 6, 5
ITERS = EPOCHS * LENGTH


def make_runner(kind):
    if kind == "SGD":
        groups = [{"params": [torch.zeros(1)], "momentum": m} for m in BASES]
        optimizer = torch.optim.SGD(groups, lr=1.0)
    else:
        groups = [{"params": [torch.zeros(1)], "betas": (m, 0.99)} for m in BASES]
        optimizer = torch.optim.AdamW(groups, lr=1.0)
    return SimpleNamespace(
        optimizer=optimizer,
        data_loader=range(LENGTH),
        epoch=0,
        iter=0,
        max_epochs=EPOCHS,
        max_iters=ITERS,
    )


def momenta(optimizer):
    groups = optimizer.param_groups
    return [g["momentum"] if "momentum" in g else g["betas"][0] for g in groups]


def drive(hook, runner):
    rows = []
    hook.before_run(runner)
    for runner.epoch in range(EPOCHS):
        hook.before_train_epoch(runner)
        for _ in range(LENGTH):
            hook.before_train_iter(runner)
            rows.append(momenta(runner.optimizer))
            runner.iter += 1
    return rows


def anneal(start, end, factor):
    return end + (start - end) * (1 + cos(pi * factor)) / 2


POLICIES = {
    "step": (
        dict(policy="step", step=[2, 4], min_momentum=0.3),
        lambda b, n, t: max(b * 0.5 ** ((n >= 2) + (n >= 4)), 0.3),
    ),
    "cosine": (
        dict(policy="CosineAnnealing", min_momentum_ratio=0.5),
        lambda b, n, t: anneal(b, b / 2, n / t),
    ),
    "linear": (
        dict(policy="LinearAnnealing", min_momentum=0.1),
        lambda b, n, t: b + (0.1 - b) * n / t,
    ),
}
WARMUPS = {
    None: lambda i, length: 1.0,
    "constant": lambda i, length: 0.9,
    "linear": lambda i, length: 0.9 + 0.1 * i / length,
    "exp": lambda i, length: 0.9 ** (1 - i / length),
}


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("by_epoch", [True, False])
@pytest.mark.parametrize("name", POLICIES)
def test_policy_equals_closed_form_and_warmup_divides(name, by_epoch, warmup, kind):
    options, curve = POLICIES[name]
    length = 7 if warmup else 0
    config = dict(options, by_epoch=by_epoch, warmup=warmup, warmup_iters=length)
    for i, row in enumerate(drive(build_momentum_hook(config), make_runner(kind))):
        now, total = (i // LENGTH, EPOCHS) if by_epoch else (i, ITERS)
        share = WARMUPS[warmup](i, length) if i < length else 1.0
        assert row == pytest.approx([curve(b, now, total) / share for b in BASES], rel=1e-12)


def test_cyclic_falls_and_rises():
    config = dict(policy="cyclic", target_ratio=(0.5, 1.0), anneal_strategy="linear")
    turn = int(0.4 * ITERS)
    for i, row in enumerate(drive(build_momentum_hook(config), make_runner("SGD"))):
        ratio = 1 - 0.5 * i / turn if i < turn else 0.5 + 0.5 * (i - turn) / (ITERS - turn)
        assert row == pytest.approx([b * ratio for b in BASES], rel=1e-12)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_equals_torch(three_phase, kind):
    config = dict(policy="OneCycle", base_momentum=0.8, max_momentum=0.95, three_phase=three_phase)
    rows = drive(build_momentum_hook(config), make_runner(kind))
    peer = make_runner(kind).optimizer
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        peer,
        0.1,
        total_steps=ITERS,
        base_momentum=0.8,
        max_momentum=0.95,
        three_phase=three_phase,
    )
    for row in rows:
        assert row == pytest.approx(momenta(peer), rel=1e-12)
        peer.step()
        if oracle.last_epoch < ITERS - 1:
            oracle.step()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (dict(policy="stepp", step=1), "momentum_config.policy: 'stepp' is unknown.*'Step'"),
        (dict(policy="CosineAnnealing"), "either min_momentum or min_momentum_ratio"),
        (dict(policy="cyclic", by_epoch=True), "by_epoch"),
        (dict(policy="OneCycle", by_epoch=True), "by_epoch"),
        (dict(policy="OneCycle", max_momentum="1"), "max_momentum must be"),
    ],
)
def test_wrong_options_name_key_and_cure(config, message):
    with pytest.raises(ConfigError, match=message):
        build_momentum_hook(config)


def test_an_optimizer_without_momentum_is_refused():
    runner = make_runner("SGD")
    runner.optimizer = torch.optim.Adagrad([torch.zeros(1)])
    with pytest.raises(ValueError, match="needs an optimizer with a momentum"):
        build_momentum_hook(dict(policy="OneCycle")).before_run(runner)
