"""Profiles of real iterations."""

from __future__ import annotations

import json
import logging

import pytest

from mmcv.hooks.profiler import ProfilerHook
from mmcv.registry import ConfigError


def test_the_first_iterations_are_written_as_a_trace(make_runner, batches, tmp_path):
    trace = tmp_path / "trace.json"
    hook = ProfilerHook(
        by_epoch=False, profile_iters=2, activities=["cpu"], json_trace_path=str(trace)
    )
    make_runner(hook).run(batches)
    names = [event.get("name", "") for event in json.loads(trace.read_text())["traceEvents"]]
    assert any("aten::mul" in name for name in names)
    assert sum("Optimizer.step" in name for name in names) == 2
    assert hook.profiler is None


def test_epochs_can_be_counted_and_a_table_logged(make_runner, batches, caplog):
    hook = ProfilerHook(
        activities=["cpu"], on_trace_ready=dict(type="log_trace", sort_by="self_cpu_time_total")
    )
    with caplog.at_level(logging.INFO, logger="mmcv"):
        make_runner(hook, by_epoch=True, length=2).run(batches)
    assert "Self CPU time total" in caplog.text


def test_traces_for_tensorboard_go_into_the_work_dir(make_runner, batches, tmp_path):
    hook = ProfilerHook(
        by_epoch=False,
        activities=["cpu"],
        profile_iters=3,
        schedule=dict(wait=0, warmup=1, active=1, repeat=1),
        on_trace_ready=dict(type="tb_trace", dir_name="traces"),
    )
    make_runner(hook).run(batches)
    assert list((tmp_path / "work" / "traces").glob("*.json"))


def test_a_function_receives_the_profiler(make_runner, batches):
    seen = []
    hook = ProfilerHook(by_epoch=False, activities=["cpu"], on_trace_ready=seen.append)
    make_runner(hook).run(batches)
    assert hasattr(seen[0], "key_averages")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(by_epoch=1), "by_epoch must be a bool"),
        (dict(profile_iters=0), "must be positive"),
        (dict(activities="cpu"), "must be a list"),
        (dict(activities=["cudda"]), "'cudda' is neither .*did you mean 'cuda'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        ProfilerHook(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(by_epoch=False, profile_iters=9), "max_iters=8"),
        (dict(by_epoch=True), "max_epochs=None"),
        (dict(by_epoch=False, on_trace_ready=dict(type="trace")), "'trace' is neither"),
        (dict(by_epoch=False, on_trace_ready=1), "cannot be 1"),
    ],
)
def test_what_does_not_fit_the_run_is_an_error(make_runner, options, message):
    with pytest.raises(ConfigError, match=message):
        ProfilerHook(**options).before_run(make_runner())
