"""Event files, read back by tensorboard itself."""

from __future__ import annotations

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mmcv.hooks.tensorboard_logger import TensorboardLoggerHook


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def test_scalars_by_tag_and_iteration(make_runner, batches, scores, tmp_path):
    make_runner(scores(4), TensorboardLoggerHook(by_epoch=False, interval=4)).run(batches)
    assert read(tmp_path / "work" / "tf_logs") == {
        "train/decode.loss_ce": [(4, 0.125), (8, -4.375)],
        "train/batch": [(4, 1.5), (8, 1.5)],
        "val/eval_iter_num": [(4, 3.0)],
        "val/mIoU": [(4, 0.25)],
        "learning_rate": [(4, 0.5), (4, 0.5), (8, 0.5)],
        "momentum": [(4, 0.0), (4, 0.0), (8, 0.0)],
    }


def test_steps_count_iterations_over_all_epochs(make_runner, batches, tmp_path):
    logger = TensorboardLoggerHook(log_dir=str(tmp_path / "events"), interval=2)
    make_runner(logger, by_epoch=True, length=2).run(batches)
    assert [step for step, _ in read(tmp_path / "events")["train/batch"]] == [2, 4, 6, 8]


def test_values_are_on_disk_before_the_run_ends(make_runner, batches, tmp_path):
    class Crash(Exception):
        pass

    class Crashing(TensorboardLoggerHook):
        def after_train_iter(self, runner):
            super().after_train_iter(runner)
            if runner.iter == 5:
                raise Crash

    with pytest.raises(Crash):
        make_runner(Crashing(by_epoch=False, interval=4)).run(batches)
    assert read(tmp_path / "work" / "tf_logs")["train/batch"] == [(4, 1.5)]
