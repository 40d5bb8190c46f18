"""Hooks of a few lines: closure, memory, buffers, ZeroHook; and that all are registered."""

from __future__ import annotations

import pytest
import torch

import mmcv.hooks
from mmcv.hooks.closure import ClosureHook
from mmcv.hooks.memory import EmptyCacheHook
from mmcv.hooks.sync_buffer import SyncBuffersHook
from mmcv.hooks.zero_redundancy import ZeroHook
from mmcv.registry import HOOKS, ConfigError

BASES = {
    "HOOKS",
    "Hook",
    "LoggerHook",
    "LrUpdaterHook",
    "MomentumUpdaterHook",
    "EvalHook",  # built with its data loader, never by name
    "DistEvalHook",
}


def test_every_hook_is_registered_under_its_name():
    for name in set(mmcv.hooks.__all__) - BASES:
        assert HOOKS.get(name) is getattr(mmcv.hooks, name)


def test_a_closure_is_called_at_its_event(make_runner, batches):
    seen = []
    make_runner(ClosureHook("after_train_iter", lambda runner: seen.append(runner.iter))).run(
        batches
    )
    assert seen == list(range(8))


def test_a_closure_needs_an_event_and_a_function():
    with pytest.raises(ConfigError, match=r"no event 'after_trian_iter'.*'after_train_iter'"):
        ClosureHook("after_trian_iter", print)
    with pytest.raises(ConfigError, match="must be callable"):
        ClosureHook("after_train_iter", 1)


@pytest.mark.parametrize(
    ("options", "num_calls"),
    [
        ({}, 2),
        (dict(before_epoch=True), 4),
        (dict(after_iter=True), 10),
        (dict(after_epoch=False), 0),
    ],
)
def test_the_cache_is_emptied_at_the_chosen_events(
    make_runner, batches, monkeypatch, options, num_calls
):
    calls = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(1))
    make_runner(EmptyCacheHook(**options), by_epoch=True, length=2).run(batches)
    assert len(calls) == num_calls


@pytest.mark.parametrize("distributed", [True, False])
def test_buffers_are_averaged_after_every_epoch(make_runner, batches, monkeypatch, distributed):
    names = []

    def average(buffers):
        names.append([tuple(buffer.shape) for buffer in buffers])

    monkeypatch.setattr("mmcv.hooks.sync_buffer.allreduce_params", average)
    make_runner(SyncBuffersHook(distributed), by_epoch=True, length=2).run(batches)
    assert names == ([[(1,)]] * 2 if distributed else [])


def test_zero_hook_gathers_the_optimizer_before_a_checkpoint(make_runner, tmp_path):
    runner = make_runner()
    hook = ZeroHook(interval=1)
    with pytest.raises(ConfigError, match=r"belongs to .*ZeroAdamW.*but the optimizer is SGD"):
        hook.before_run(runner)
    calls = []
    runner.optimizer.consolidate_state_dict = lambda to: calls.append(to)
    hook.before_run(runner)
    runner.register_hook(hook)
    runner.save_checkpoint(tmp_path)
    assert calls == [0]
