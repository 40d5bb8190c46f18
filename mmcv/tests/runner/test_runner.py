import logging
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from mmcv.hooks.hook import Hook
from mmcv.hooks.iter_timer import IterTimerHook
from mmcv.registry import RUNNERS, ConfigError
from mmcv.runner import build_runner
from mmcv.runner.loss_watch import NonFiniteLossError
from mmcv.runner.runner import EpochBasedRunner, IterBasedRunner

LOGGER = logging.getLogger("toy")
BOTH = pytest.mark.parametrize("cls", [EpochBasedRunner, IterBasedRunner])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def train_step(self, x, optimizer):
        loss = self.linear(x).sum()
        return {"loss": loss, "log_vars": {"loss": loss.detach()}, "num_samples": len(x)}


class Trace(Hook):
    """Notes every generic event with the counters that it sees."""

    def __init__(self):
        self.rows = []

    def _note(self, event, runner):
        self.rows.append((event, runner.epoch, runner.iter, runner.inner_iter))

    def before_run(self, runner):
        self._note("before_run", runner)

    def before_epoch(self, runner):
        self._note("before_epoch", runner)

    def before_iter(self, runner):
        self._note("before_iter", runner)

    def after_iter(self, runner):
        self._note("after_iter", runner)

    def after_epoch(self, runner):
        self._note("after_epoch", runner)

    def after_run(self, runner):
        self._note("after_run", runner)


def loader(num_batches=2):
    return DataLoader(torch.ones(num_batches, 2), batch_size=1)


def test_epochs_are_counted_as_in_1x():
    runner = EpochBasedRunner(Model(), logger=LOGGER, max_epochs=2)
    trace = Trace()
    runner.register_hook(trace)
    runner.run([loader()], [("train", 1)])
    # (event, epoch, iter, inner_iter); after_iter sees the index of the iteration just run.
    assert trace.rows == [
        ("before_run", 0, 0, 0),
        ("before_epoch", 0, 0, 0),
        ("before_iter", 0, 0, 0),
        ("after_iter", 0, 0, 0),
        ("before_iter", 0, 1, 1),
        ("after_iter", 0, 1, 1),
        ("after_epoch", 0, 2, 1),
        ("before_epoch", 1, 2, 1),
        ("before_iter", 1, 2, 0),
        ("after_iter", 1, 2, 0),
        ("before_iter", 1, 3, 1),
        ("after_iter", 1, 3, 1),
        ("after_epoch", 1, 4, 1),
        ("after_run", 2, 4, 1),
    ]


def test_iterations_are_counted_as_in_1x():
    runner = IterBasedRunner(Model(), logger=LOGGER, max_iters=3)
    trace = Trace()
    runner.register_hook(trace)
    runner.run([loader()], [("train", 1)])
    assert trace.rows == [
        ("before_run", 0, 0, 0),
        ("before_epoch", 0, 0, 0),
        ("before_iter", 0, 0, 0),
        ("after_iter", 0, 0, 0),
        ("before_iter", 0, 1, 0),
        ("after_iter", 0, 1, 0),
        ("before_iter", 0, 2, 0),
        ("after_iter", 0, 2, 0),
        ("after_epoch", 0, 3, 0),
        ("after_run", 0, 3, 0),
    ]


def test_hooks_see_what_1x_hooks_read(tmp_path):
    seen = {}

    class Reader(Hook):
        def before_train_iter(self, runner):
            seen["batch"] = runner.data_batch

        def after_train_iter(self, runner):
            seen["outputs"] = runner.outputs
            seen["length"] = len(runner.data_loader)
            seen["mode"], seen["training"] = runner.mode, runner.model.training
            assert runner.log_buffer.val_history["loss"]
            assert self.is_last_iter(runner) == (runner.iter == 3)
            assert self.end_of_epoch(runner) == (runner.inner_iter == 1)

        def after_train_epoch(self, runner):
            assert self.is_last_epoch(runner) == (runner.epoch == 1)

    model = Model().eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    runner = EpochBasedRunner(model, None, optimizer, str(tmp_path), LOGGER, max_epochs=2)
    runner.register_hook(Reader())
    runner.run(loader())
    assert seen["batch"].tolist() == [[1.0, 1.0]]
    assert set(seen["outputs"]) == {"loss", "log_vars", "num_samples"}
    assert (seen["length"], seen["mode"], seen["training"]) == (2, "train", True)
    assert (runner.model, runner.optimizer, runner.logger) == (model, optimizer, LOGGER)
    assert (runner.rank, runner.world_size, runner.max_epochs, runner.max_iters) == (0, 1, 2, 4)
    assert (runner.model_name, runner.work_dir) == ("Model", str(tmp_path))


def test_hooks_run_by_priority_and_in_the_order_of_registration_within_one():
    order = []

    class Named(Hook):
        def __init__(self, name):
            self.name = name

        def before_run(self, runner):
            order.append(self.name)

    runner = IterBasedRunner(Model(), logger=LOGGER, max_iters=1)
    for name, priority in (
        ("normal", "NORMAL"),
        ("lowest", "LOWEST"),
        ("49", 49),
        ("normal again", "normal"),
        ("highest", "HIGHEST"),
        ("50", 50),
    ):
        runner.register_hook(Named(name), priority)
    runner.run(loader())
    assert order == ["highest", "49", "normal", "normal again", "50", "lowest"]


def test_what_cannot_be_registered():
    runner = IterBasedRunner(Model(), logger=LOGGER, max_iters=1)
    with pytest.raises(AssertionError, match="derive from"):
        runner.register_hook(object())
    hook = Trace()
    runner.register_hook(hook)
    with pytest.raises(ValueError, match="reserved"):
        runner.register_hook(hook)


@BOTH
def test_wrong_arguments_are_refused(cls):
    with pytest.raises(TypeError, match="optimizer"):
        cls(Model(), optimizer="not an optimizer", logger=LOGGER)
    with pytest.raises(TypeError, match="b must be"):
        good = torch.optim.SGD(Model().parameters(), lr=1.0)
        cls(Model(), optimizer={"a": good, "b": "not an optimizer"}, logger=LOGGER)
    with pytest.raises(TypeError, match="logger"):
        cls(Model(), logger="not a logger")
    with pytest.raises(TypeError, match="meta"):
        cls(Model(), logger=LOGGER, meta=["list"])
    with pytest.raises(AssertionError, match="train_step"):
        cls(nn.Linear(1, 1), logger=LOGGER)
    with pytest.raises(TypeError, match="work_dir"):
        cls(Model(), work_dir=1, logger=LOGGER)
    with pytest.raises(TypeError, match="train_step"):
        cls(Model(), batch_processor=lambda: None, logger=LOGGER)
    with pytest.raises(ValueError, match="Only one of"):
        cls(Model(), logger=LOGGER, max_iters=1, max_epochs=1)


def test_build_runner():
    defaults = {"model": Model(), "logger": LOGGER, "batch_processor": None}
    runner = build_runner(dict(type="EpochBasedRunner", max_epochs=7), default_args=defaults)
    assert runner._max_epochs == 7
    runner = build_runner(dict(type="IterBasedRunner", max_iters=7), default_args=defaults)
    assert runner._max_iters == 7
    with pytest.raises(ConfigError, match="runner: .*max_itres.*did you mean 'max_iters'"):
        build_runner(dict(type="IterBasedRunner", max_itres=7), default_args=defaults)
    assert {"EpochBasedRunner", "IterBasedRunner"} <= set(RUNNERS.module_dict)


def test_an_empty_loader_is_an_error():
    runner = IterBasedRunner(Model(), logger=LOGGER, max_iters=1)
    empty = DataLoader(torch.ones(3, 2), batch_size=4, drop_last=True)
    with pytest.raises(ValueError, match=r"3 samples do not fill one batch of 4"):
        runner.run(empty)


@pytest.mark.parametrize("workflow", [[("train", 1), ("val", 1)], [("val", 1)], [("train", 2)]])
def test_other_workflows_point_to_evaluation(workflow):
    runner = IterBasedRunner(Model(), logger=LOGGER, max_iters=1)
    with pytest.raises(ConfigError, match="set evaluation="):
        runner.run([loader()] * len(workflow), workflow)


def test_outputs_must_be_a_dict():
    class Wrong(Model):
        def train_step(self, x, optimizer):
            return self.linear(x).sum()

    with pytest.raises(TypeError, match="must return a dict"):
        IterBasedRunner(Wrong(), logger=LOGGER, max_iters=1).run(loader())


@BOTH
def test_save_checkpoint_names_and_latest(cls, tmp_path):
    runner = cls(Model(), logger=LOGGER)
    with pytest.raises(TypeError, match="meta"):
        runner.save_checkpoint(tmp_path, meta=[])
    runner.save_checkpoint(str(tmp_path), meta={"mine": 1})
    first = tmp_path / ("epoch_1.pth" if cls is EpochBasedRunner else "iter_1.pth")
    latest = tmp_path / "latest.pth"
    assert latest.is_symlink() and latest.resolve() == first.resolve()
    checkpoint = torch.load(latest, weights_only=True)
    assert set(checkpoint["state_dict"]) == {"linear.weight", "linear.bias"}
    assert checkpoint["meta"]["mine"] == 1
    assert {"epoch", "iter", "mmcv_version", "time"} <= set(checkpoint["meta"])


def test_rates_by_group_and_by_optimizer():
    model = Model()
    groups = [{"params": [model.linear.weight]}, {"params": [model.linear.bias], "lr": 0.3}]
    sgd = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    runner = IterBasedRunner(model, optimizer=sgd, logger=LOGGER)
    assert runner.current_lr() == [0.1, 0.3]
    assert runner.current_momentum() == [0.9, 0.9]
    adam = torch.optim.Adam(model.parameters(), lr=0.2, betas=(0.8, 0.9))
    runner = IterBasedRunner(model, optimizer={"a": sgd, "b": adam}, logger=LOGGER)
    assert runner.current_lr() == {"a": [0.1, 0.3], "b": [0.2]}
    assert runner.current_momentum() == {"a": [0.9, 0.9], "b": [0.8]}
    with pytest.raises(RuntimeError, match="optimizer does not exist"):
        IterBasedRunner(model, logger=LOGGER).current_lr()


def test_training_hooks_count_iterations_under_an_iter_based_runner(tmp_path):
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    runner = IterBasedRunner(model, optimizer=optimizer, work_dir=tmp_path, logger=LOGGER)
    runner.register_training_hooks(
        dict(policy="poly"),
        dict(grad_clip=None),
        dict(interval=5),
        dict(interval=10, hooks=[dict(type="TextLoggerHook")]),
        custom_hooks_config=[dict(type="EmptyCacheHook", priority=49), Trace()],
    )
    names = [type(hook).__name__ for hook in runner.hooks]
    assert names == [
        "PolyLrUpdaterHook",
        "OptimizerHook",
        "EmptyCacheHook",
        "CheckpointHook",
        "Trace",
        "IterTimerHook",
        "TextLoggerHook",
    ]
    by_name = dict(zip(names, runner.hooks, strict=True))
    for name in ("PolyLrUpdaterHook", "CheckpointHook", "TextLoggerHook"):
        assert by_name[name].by_epoch is False
    assert runner.loss_watch.interval == 10
    info = runner.get_hook_info()
    assert "(VERY_HIGH   ) PolyLrUpdaterHook" in info and "(49          ) EmptyCacheHook" in info


def test_an_error_in_a_hook_section_names_it():
    runner = IterBasedRunner(Model(), logger=LOGGER)
    with pytest.raises(ConfigError, match="checkpoint_config: .*'intervall'.*did you mean"):
        runner.register_checkpoint_hook(dict(intervall=5))
    with pytest.raises(ConfigError, match=r"custom_hooks\[1\]: 'EMAHok'.*did you mean 'EMAHook'"):
        runner.register_custom_hooks([Trace(), dict(type="EMAHok")])
    with pytest.raises(ConfigError, match=r"log_config.hooks\[0\]: .*TextLogerHook"):
        runner.register_logger_hooks(dict(interval=1, hooks=[dict(type="TextLogerHook")]))


def test_timer_hooks_from_config_and_object():
    runner = IterBasedRunner(Model(), logger=LOGGER)
    runner.register_timer_hook(None)
    assert runner.hooks == []
    runner.register_timer_hook(dict(type="IterTimerHook"))
    runner.register_timer_hook(IterTimerHook())
    assert [type(hook) for hook in runner.hooks] == [IterTimerHook, IterTimerHook]


def test_a_parameter_that_is_not_finite_is_never_saved(tmp_path):
    model = Model()
    runner = IterBasedRunner(model, logger=LOGGER)
    good = runner.save_checkpoint(tmp_path)
    model.linear.weight.data[0, 0] = float("nan")
    with pytest.raises(NonFiniteLossError, match="linear.weight"):
        runner.save_checkpoint(tmp_path, "iter_2.pth")
    assert [p.name for p in Path(tmp_path).glob("iter_*")] == [good.name]
