"""The wandb logger against a recorder of the calls it makes: wandb itself is not installed here."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from mmcv.hooks.wandb_logger import WandbLoggerHook


class FakeWandb:
    """Records calls; those named in ``broken`` fail."""

    def __init__(self, *broken):
        self.broken, self.calls = broken, []

    def __getattr__(self, name):
        def call(*args, **kwargs):
            if name == "Artifact":
                add_file = lambda path: self.calls.append(("add_file", path))  # noqa: E731
                return SimpleNamespace(add_file=add_file)
            mode = kwargs.get("mode", "online")
            self.calls.append((name, args, kwargs))
            if name in self.broken or f"{name} {mode}" in self.broken:
                raise RuntimeError(f"{name} has no network")

        return call

    def named(self, name):
        return [call for call in self.calls if call[0] == name]


@pytest.fixture
def install(monkeypatch):
    monkeypatch.delenv("WANDB_LOGIN_TIMEOUT", raising=False)

    def put(module):
        monkeypatch.setitem(sys.modules, "wandb", module)
        return module

    return put


def test_what_is_sent(make_runner, batches, scores, install, tmp_path):
    wandb = install(FakeWandb())
    logger = WandbLoggerHook(
        init_kwargs=dict(project="p"),
        interval=4,
        by_epoch=False,
        out_suffix=".json",
        define_metric_cfg={"val/mIoU": "max"},
    )
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "x.log.json").write_text("{}")
    make_runner(scores(4), logger).run(batches)
    (init,) = wandb.named("init")
    assert init[1:] == ((), {"project": "p"})
    assert float(os.environ["WANDB_LOGIN_TIMEOUT"]) > 0
    assert wandb.named("define_metric")[0][2] == {"name": "val/mIoU", "summary": "max"}
    rates = {"learning_rate": 0.5, "momentum": 0.0}
    sent = [(args[0], kwargs) for _, args, kwargs in wandb.named("log")]
    train = [
        {"train/decode.loss_ce": loss, "train/batch": 1.5, **rates} for loss in (0.125, -4.375)
    ]
    # A step that was sent cannot be added to: results come with the losses of their iteration.
    assert sent == [
        (
            {**train[0], "val/eval_iter_num": 3, "val/mIoU": 0.25},
            {"step": 4, "commit": True},
        ),
        (train[1], {"step": 8, "commit": True}),
    ]
    assert wandb.named("add_file") == [("add_file", str(tmp_path / "work" / "x.log.json"))]
    assert [call[0] for call in wandb.calls[-2:]] == ["log_artifact", "finish"]


def test_the_iteration_can_be_a_value_instead_of_a_step(make_runner, batches, install):
    wandb = install(FakeWandb())
    logger = WandbLoggerHook(interval=8, by_epoch=False, with_step=False, log_artifact=False)
    make_runner(logger).run(batches)
    (_, (values,), kwargs) = wandb.named("log")[0]
    assert values["global_step"] == 8
    assert kwargs == {"commit": True}
    assert not wandb.named("log_artifact")


def test_without_a_server_the_run_is_kept_offline(make_runner, batches, install):
    wandb = install(FakeWandb("init online"))
    make_runner(WandbLoggerHook(interval=4, by_epoch=False)).run(batches)
    assert [call[2].get("mode") for call in wandb.named("init")] == [None, "offline"]
    assert len(wandb.named("log")) == 2


@pytest.mark.parametrize("broken", [("init",), ("log",), ("finish", "define_metric")])
def test_failures_never_stop_the_training(make_runner, batches, install, broken, caplog):
    wandb = install(FakeWandb(*broken))
    runner = make_runner(
        WandbLoggerHook(interval=4, by_epoch=False, define_metric_cfg={"val/mIoU": "max"})
    )
    runner.run(batches)
    assert runner.iter == 8
    assert "training goes on" in caplog.text
    assert bool(wandb.named("log")) is (broken != ("init",))


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match="pip install wandb, or remove the hook"):
        WandbLoggerHook()
