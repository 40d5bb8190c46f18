"""A run whose losses, rates and times are known exactly."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from mmcv.hooks.hook import Hook
from mmcv.runner.runner import EpochBasedRunner, IterBasedRunner

LENGTH = 4  # batches per epoch


class Batches:
    """What a loader is to a runner: in every epoch the numbers 0, 1, 2, 3."""

    def __len__(self):
        return LENGTH

    def __iter__(self):
        for i in range(LENGTH):
            yield {"x": torch.tensor(float(i))}


class Model(nn.Module):
    """The loss of batch i is ``weight * i``, so its gradient is i."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.backbone.weight)
        self.head = nn.Linear(1, 1).requires_grad_(False)
        self.register_buffer("count", torch.zeros(1))

    @property
    def weight(self):
        return self.backbone.weight.item()

    def train_step(self, data, optimizer):
        loss = (self.backbone.weight * data["x"]).sum()
        log_vars = {"decode.loss_ce": loss.detach(), "batch": data["x"]}
        return {"loss": loss, "log_vars": log_vars, "num_samples": 2}


class Clock(Hook):
    """Says that every iteration took 2 s, half of it for data."""

    def before_iter(self, runner):
        runner.log_buffer.update({"data_time": 1.0})

    def after_iter(self, runner):
        runner.log_buffer.update({"time": 2.0})


class Scores(Hook):
    """What an evaluation at the given iterations leaves for the loggers."""

    def __init__(self, *at, epochs=()):
        self.at, self.epochs = at, epochs

    def after_train_iter(self, runner):
        if runner.iter + 1 in self.at:
            for hook in runner.hooks:
                if hasattr(hook, "get_loggable_tags"):
                    hook.after_train_iter(runner)
            runner.log_buffer.clear()
            self._score(runner)

    def after_train_epoch(self, runner):
        if runner.epoch + 1 in self.epochs:
            self._score(runner)

    def _score(self, runner):
        runner.log_buffer.output.update(eval_iter_num=3, mIoU=0.25, note="fine")
        runner.log_buffer.ready = True


@pytest.fixture
def make_runner(tmp_path):
    """Returns a function that builds a runner with a clock, a known schedule and an optimizer."""

    def build(*hooks, by_epoch=False, length=2 * LENGTH, name="work", meta=None):
        model = Model()
        groups = [{"params": [model.backbone.weight]}, {"params": [torch.zeros(1)], "lr": 1e-7}]
        optimizer = torch.optim.SGD(groups, lr=0.5, momentum=0.0)
        cls, end = (EpochBasedRunner, "max_epochs") if by_epoch else (IterBasedRunner, "max_iters")
        logger = logging.getLogger("toy")
        options = {end: length, "meta": meta, "work_dir": tmp_path / name, "logger": logger}
        runner = cls(model, optimizer=optimizer, **options)
        runner.register_optimizer_hook(dict(grad_clip=None))
        runner.register_hook(Clock(), "LOW")
        for hook in hooks:
            is_logger = hasattr(hook, "get_loggable_tags")
            runner.register_hook(hook, "VERY_LOW" if is_logger else "LOW")
        return runner

    return build


@pytest.fixture
def batches():
    """Returns the loader."""
    return Batches()


@pytest.fixture
def scores():
    """Returns the class of hooks that leave the results of an evaluation."""
    return Scores
