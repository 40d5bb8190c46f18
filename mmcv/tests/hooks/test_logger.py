"""When loggers log, and under which tags."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcv.hooks.logger import LoggerHook


class Recorder(LoggerHook):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.lines = []

    def log(self, runner):
        output = {k: v for k, v in runner.log_buffer.output.items() if k != "eval_iter_num"}
        self.lines.append((self.get_mode(runner), self.get_iter(runner), output))


def losses(recorder):
    return [(i, line["batch"]) for mode, i, line in recorder.lines if mode == "train"]


def test_every_logger_keeps_its_own_interval(make_runner, batches):
    often, seldom = Recorder(interval=2, by_epoch=False), Recorder(interval=3, by_epoch=False)
    make_runner(often, seldom).run(batches)
    assert losses(often) == [(2, 0.5), (4, 2.5), (6, 0.5), (8, 2.5)]
    assert losses(seldom) == [(3, 1.0), (6, pytest.approx(4 / 3))]


def test_intervals_count_within_the_epoch(make_runner, batches):
    plain = Recorder(interval=3)
    complete = Recorder(interval=3, ignore_last=False)
    make_runner(plain, by_epoch=True, length=2).run(batches)
    make_runner(complete, by_epoch=True, length=2).run(batches)
    assert [i for i, _ in losses(plain)] == [3, 7]
    assert [i for i, _ in losses(complete)] == [3, 4, 7, 8]


def test_results_of_an_evaluation_are_logged_apart_from_the_training(make_runner, batches, scores):
    recorders = [Recorder(interval=2, by_epoch=False), Recorder(interval=50, by_epoch=False)]
    make_runner(scores(2, 5), *recorders).run(batches)
    for recorder in recorders:
        results = [(i, line) for mode, i, line in recorder.lines if mode == "val"]
        assert results == [(i, {"mIoU": 0.25, "note": "fine"}) for i in (2, 5)]
    assert [i for i, _ in losses(recorders[0])] == [2, 4, 6, 8]
    assert not losses(recorders[1])


def test_results_after_an_epoch_are_logged(make_runner, batches, scores):
    recorder = Recorder(interval=3)
    make_runner(scores(epochs=[2]), recorder, by_epoch=True, length=2).run(batches)
    assert recorder.lines[-1][0] == "val"
    assert recorder.lines[-1][2] == {"mIoU": 0.25, "note": "fine"}


def test_tags(make_runner, batches, scores):
    class Tags(Recorder):
        def log(self, runner):
            self.lines.append(self.get_loggable_tags(runner))

    tags = Tags(interval=8, by_epoch=False)
    runner = make_runner(scores(8), tags)
    runner.run(batches)
    rates = {"learning_rate": 0.5, "momentum": 0.0}
    train, val = tags.lines
    assert train == {"train/decode.loss_ce": pytest.approx(-2.125), "train/batch": 1.5, **rates}
    assert val == {"val/eval_iter_num": 3, "val/mIoU": 0.25, **rates}
    runner.log_buffer.output.update(a=1, b="text")
    every = tags.get_loggable_tags(runner, allow_text=True, add_mode=False, tags_to_skip=("a",))
    assert every == {"b": "text", **rates}
    assert tags.get_loggable_tags(runner, allow_scalar=False) == rates


def test_several_optimizers_have_tags_of_their_own(make_runner):
    runner = make_runner()
    runner.optimizer = {
        name: torch.optim.SGD([torch.zeros(1)], lr=lr, momentum=0.9)
        for name, lr in (("g", 0.1), ("d", 0.2))
    }
    assert LoggerHook().get_lr_tags(runner) == {"learning_rate/g": 0.1, "learning_rate/d": 0.2}
    assert LoggerHook().get_momentum_tags(runner) == {"momentum/g": 0.9, "momentum/d": 0.9}


@pytest.mark.parametrize(
    ("value", "is_scalar"),
    [
        (1, True),
        (1.5, True),
        (np.float32(1), True),
        (np.array(1.0), True),
        (np.array([1.0]), False),
        (torch.tensor(1.0), True),
        (torch.zeros(1), True),
        (torch.zeros(2), False),
        ("1", False),
        ([1], False),
    ],
)
def test_is_scalar(value, is_scalar):
    assert LoggerHook.is_scalar(value) is is_scalar


def test_is_scalar_can_exclude_arrays_and_tensors():
    assert not LoggerHook.is_scalar(np.array(1.0), include_np=False)
    assert not LoggerHook.is_scalar(torch.tensor(1.0), include_torch=False)


def test_a_mode_that_nobody_set_is_an_error(make_runner):
    with pytest.raises(ValueError, match="'train' or 'val', but got None"):
        LoggerHook().get_mode(make_runner())
