"""Lines of text and JSON, word for word."""

from __future__ import annotations

import json
import logging

import pytest

from mmcv.hooks.checkpoint import CheckpointHook
from mmcv.hooks.text_logger import CustomizedTextLoggerHook, TextLoggerHook
from mmcv.registry import ConfigError


def run(make_runner, batches, caplog, *hooks, **kwargs):
    """Returns the runner, its lines of text, and its JSON lines."""
    runner = make_runner(*hooks, **kwargs)
    with caplog.at_level(logging.INFO, logger="toy"):
        runner.run(batches)
    texts = [r.getMessage() for r in caplog.records if r.name == "toy"]
    lines = [text for text in texts if text.startswith(("Iter", "Epoch", "Exp"))]
    return runner, lines, read_json(runner)


def read_json(runner):
    with open(f"{runner.work_dir}/{runner.timestamp}.log.json") as file:
        return [json.loads(line) for line in file]


def test_lines_of_a_run_by_iterations(make_runner, batches, caplog, scores):
    logger = TextLoggerHook(by_epoch=False, interval=4)
    _, lines, records = run(
        make_runner, batches, caplog, scores(8), logger, meta={"seed": 3, "env_info": "GCC: 9"}
    )
    # The weight is 1, 1, 0.5, -0.5, -2 ...: each step takes half the batch's number from it.
    assert lines == [
        "Iter [4/8]\tlr: 5.000e-01, eta: 0:00:08, time: 2.000, data_time: 1.000,"
        " decode.loss_ce: 0.1250, batch: 1.5000",
        "Iter [8/8]\tlr: 5.000e-01, eta: 0:00:00, time: 2.000, data_time: 1.000,"
        " decode.loss_ce: -4.3750, batch: 1.5000",
        "Iter(val) [3]\tmIoU: 0.2500, note: fine",
    ]
    times = {"data_time": 1.0, "time": 2.0}
    assert records == [
        {"seed": 3, "env_info": "GCC: 9"},
        {
            "mode": "train",
            "epoch": 1,
            "iter": 4,
            "lr": 0.5,
            "decode.loss_ce": 0.125,
            "batch": 1.5,
            **times,
        },
        {
            "mode": "train",
            "epoch": 2,
            "iter": 8,
            "lr": 0.5,
            "decode.loss_ce": -4.375,
            "batch": 1.5,
            **times,
        },
        {"mode": "val", "epoch": 2, "iter": 3, "lr": 0.5, "mIoU": 0.25, "note": "fine"},
    ]
    assert list(records[1]) == [
        "mode",
        "epoch",
        "iter",
        "lr",
        "data_time",
        "decode.loss_ce",
        "batch",
        "time",
    ]


def test_lines_of_a_run_by_epochs(make_runner, batches, caplog, scores):
    logger = TextLoggerHook(interval=2)
    meta = {"exp_name": "toy.py"}
    runner = make_runner(scores(epochs=[1, 2]), logger, by_epoch=True, length=2, meta=meta)
    with caplog.at_level(logging.INFO, logger="toy"):
        runner.run(batches)
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith(("Epoch", "Exp"))]
    starts = [line.split("\t")[0] for line in lines]
    one_epoch = ["Epoch [{}][2/4]", "Exp name: toy.py", "Epoch [{}][4/4]", "Exp name: toy.py"]
    expected = [*one_epoch, "Epoch(val) [{}][3]"]
    assert starts == [start.format(epoch) for epoch in (1, 2) for start in expected]
    records = read_json(runner)[1:]
    shown = [(record["mode"], record["epoch"], record["iter"]) for record in records]
    assert shown == [
        (mode, e, i) for e in (1, 2) for mode, i in (("train", 2), ("train", 4), ("val", 3))
    ]


def test_small_rates_survive_in_the_json_file(make_runner, batches, caplog):
    logger = CustomizedTextLoggerHook(by_epoch=False, interval=4)
    _, lines, records = run(make_runner, batches, caplog, logger, length=4)
    assert "lr: 5.000e-01, layer_0_lr: 1.000e-07, eta:" in lines[0]
    assert lines[0].count("lr: ") == 2
    assert (records[1]["layer_0_lr"], records[1]["lr"]) == (1e-7, 0.5)
    assert list(records[1])[:5] == ["mode", "epoch", "iter", "layer_0_lr", "lr"]


def test_a_resumed_run_logs_the_same_values(make_runner, batches, caplog, tmp_path):
    def hooks():
        saver = CheckpointHook(interval=3, by_epoch=False)
        return saver, TextLoggerHook(by_epoch=False, interval=4)

    _, _, whole = run(make_runner, batches, caplog, *hooks())
    runner = make_runner(*hooks(), name="resumed")
    runner.resume(tmp_path / "work" / "iter_3.pth")
    runner.run(batches)
    assert read_json(runner)[1:] == whole[1:]


def test_the_line_of_the_checkpoints_own_iteration_is_logged_after_a_resume(
    make_runner, batches, caplog, tmp_path
):
    def hooks():
        # Saved before the logger's turn: a kill in between would lose the line.
        saver = CheckpointHook(interval=4, by_epoch=False)
        return saver, TextLoggerHook(by_epoch=False, interval=4)

    _, _, whole = run(make_runner, batches, caplog, *hooks())
    runner = make_runner(*hooks(), name="resumed")
    runner.resume(tmp_path / "work" / "iter_4.pth")
    with caplog.at_level(logging.INFO, logger="toy"):
        runner.run(batches)
    resumed = read_json(runner)[1:]
    assert [record["iter"] for record in resumed] == [4, 8]
    for record, expected in zip(resumed, whole[1:], strict=True):
        assert record["decode.loss_ce"] == expected["decode.loss_ce"]


@pytest.mark.parametrize("keep_local", [True, False])
def test_log_files_are_copied_after_the_run(make_runner, batches, caplog, tmp_path, keep_local):
    logger = TextLoggerHook(
        by_epoch=False, out_dir=str(tmp_path / "safe"), out_suffix=".json", keep_local=keep_local
    )
    runner = make_runner(logger)
    runner.run(batches)
    name = f"{runner.timestamp}.log.json"
    assert (tmp_path / "safe" / "work" / name).read_text().startswith("{}")
    assert (tmp_path / "work" / name).exists() is keep_local


def test_storages_that_do_not_exist_any_more_are_refused():
    with pytest.raises(ConfigError, match="only the disk"):
        TextLoggerHook(file_client_args=dict(backend="petrel"))


def test_rates_of_several_optimizers_are_listed_by_name(make_runner):
    class Runner:
        def current_lr(self):
            return {"g": [0.1, 0.2], "d": [0.3]}

    assert TextLoggerHook()._get_rates(Runner()) == {"lr": {"g": 0.1, "d": 0.3}}
    expected = {"layer_0_lr": {"g": 0.1, "d": 0.3}, "lr": {"g": 0.2, "d": 0.3}}
    assert CustomizedTextLoggerHook()._get_rates(Runner()) == expected
