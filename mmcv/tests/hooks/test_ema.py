"""Averaged weights against a loop; who sees them, and how they survive a restart."""

from __future__ import annotations

import pytest
import torch

from mmcv.hooks.checkpoint import CheckpointHook
from mmcv.hooks.ema import EMAHook
from mmcv.hooks.hook import Hook
from mmcv.registry import ConfigError

WEIGHTS = [1.0, 0.5, -0.5, -2.0, -2.0, -2.5, -3.5, -5.0]  # after each of 8 iterations


def averages(momentum, interval=1, warm_up=100):
    average, result = 1.0, []
    for i, weight in enumerate(WEIGHTS):
        if i % interval == 0:
            m = min(momentum**interval, (1 + i) / max(warm_up + i, 1))
            average = (1 - m) * average + m * weight
        result.append(average)
    return result


@pytest.mark.parametrize(
    "options",
    [
        dict(momentum=0.5, warm_up=0),
        dict(momentum=0.3, warm_up=10),
        dict(momentum=0.5, interval=3, warm_up=0),
    ],
)
def test_average_equals_a_loop(make_runner, batches, options):
    seen = []

    class Watch(Hook):
        def after_train_iter(self, runner):
            assert runner.model.weight == WEIGHTS[runner.iter]
            seen.append(ema.state_dict()["average"]["backbone.weight"].item())

    ema = EMAHook(**options)
    make_runner(ema, Watch()).run(batches)
    assert seen == pytest.approx(averages(**options), rel=1e-6)


def test_evaluations_and_checkpoints_see_the_average(make_runner, batches, tmp_path):
    class Evaluate(Hook):
        def after_train_iter(self, runner):
            runner.call_hook("before_evaluation")
            seen.append(runner.model.weight)
            runner.call_hook("after_evaluation")
            assert runner.model.weight == WEIGHTS[runner.iter]

    seen = []
    saver = CheckpointHook(interval=4, by_epoch=False)
    make_runner(EMAHook(momentum=0.5, warm_up=0), saver, Evaluate()).run(batches)
    expected = averages(0.5, warm_up=0)
    assert seen == pytest.approx(expected)
    state = torch.load(tmp_path / "work" / "iter_4.pth", weights_only=True)
    assert state["state_dict"]["backbone.weight"].item() == pytest.approx(expected[3])
    assert list(state["state_dict"]) == ["count", "backbone.weight", "head.weight", "head.bias"]


@pytest.mark.parametrize("order", ["ema first", "checkpoint first"])
@pytest.mark.parametrize("through_argument", [False, True])
def test_a_resumed_run_equals_an_uninterrupted_one(
    make_runner, batches, tmp_path, order, through_argument
):
    def hooks(resume_from=None):
        ema = EMAHook(momentum=0.5, warm_up=0, resume_from=resume_from)
        pair = [ema, CheckpointHook(interval=3, by_epoch=False)]
        return ema, pair if order == "ema first" else pair[::-1]

    path = str(tmp_path / "work" / "iter_3.pth")
    ema, registered = hooks()
    make_runner(*registered).run(batches)
    resumed, registered = hooks(path if through_argument else None)
    runner = make_runner(*registered, name="resumed")
    if not through_argument:
        runner.resume(path)
    runner.run(batches)
    assert runner.model.weight == WEIGHTS[-1]
    assert torch.equal(
        resumed.state_dict()["average"]["backbone.weight"],
        ema.state_dict()["average"]["backbone.weight"],
    )


def test_averages_keep_fp32_where_the_weights_do_not(make_runner, batches):
    ema = EMAHook(momentum=0.001, warm_up=0)
    runner = make_runner(ema)
    runner.model.backbone.to(torch.bfloat16)
    ema.before_run(runner)
    for _ in range(8):
        runner.model.backbone.weight.data.fill_(2)
        ema.after_train_iter(runner)
    value = ema.state_dict()["average"]["backbone.weight"]
    # In bfloat16 the first step, 1.001, would already be rounded to 1.
    assert value.item() == pytest.approx(2 - 0.999**8, rel=1e-6)


def test_only_trained_parameters_are_kept(make_runner):
    ema = EMAHook()
    ema.before_run(make_runner(ema))
    assert list(ema.state_dict()["average"]) == ["backbone.weight"]


def test_another_models_checkpoint_is_refused(make_runner):
    ema = EMAHook()
    ema.before_run(make_runner(ema))
    with pytest.raises(ConfigError, match=r"no average of 1 parameters .* backbone\.weight"):
        ema.load_state_dict({"average": {}, "raw": {}})


@pytest.mark.parametrize("options", [dict(interval=0), dict(momentum=1.0), dict(momentum=0)])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        EMAHook(**options)
