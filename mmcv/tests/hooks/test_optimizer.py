import logging

import pytest
import torch
from torch import nn

from mmcv.hooks.optimizer import (
    Fp16OptimizerHook,
    GradientCumulativeFp16OptimizerHook,
    GradientCumulativeOptimizerHook,
    OptimizerHook,
)
from mmcv.registry import HOOKS, ConfigError
from mmcv.runner.runner import IterBasedRunner


class Line(nn.Module):
    """loss = w * x, so that the gradient is x."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))
        self.unused = nn.Parameter(torch.zeros(2))

    def train_step(self, x, optimizer):
        loss = (self.w * x).sum()
        return {"loss": loss, "log_vars": {"loss": loss.detach()}, "num_samples": 1}


def trained(hook, batches, model=None):
    model = model or Line()
    optimizer = torch.optim.SGD([model.w], lr=1.0)
    runner = IterBasedRunner(model, optimizer=optimizer, logger=logging.getLogger("toy"))
    runner._max_iters = len(batches)
    runner.register_optimizer_hook(hook)
    runner.run([[torch.tensor(x) for x in batches]])
    return runner


def test_one_step_per_iteration():
    runner = trained(OptimizerHook(), [1.0, 2.0, 4.0])
    assert runner.model.w.item() == -7.0
    assert "grad_norm" not in runner.log_buffer.val_history


def test_clipping_and_its_norm_in_the_log():
    runner = trained(dict(grad_clip=dict(max_norm=2.0, norm_type=2)), [1.0, 8.0])
    assert runner.model.w.item() == pytest.approx(-3.0)
    norms = runner.log_buffer.val_history["grad_norm"]
    assert [float(n) for n in norms] == [1.0, 8.0]
    assert all(isinstance(n, torch.Tensor) for n in norms)  # not read from the device


@pytest.mark.parametrize("num", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("group", [1, 2, 3])
def test_accumulation_steps_once_per_group_and_averages_the_rest_by_its_size(num, group):
    """A loop over groups is the oracle; each step subtracts the mean of its gradients."""
    batches = [float(2**i) for i in range(num)]
    expected = 0.0
    for start in range(0, num, group):
        part = batches[start : start + group]
        expected -= sum(part) / len(part)
    for hook in (OptimizerHook(cumulative_iters=group), GradientCumulativeOptimizerHook(group)):
        assert trained(hook, batches).model.w.item() == pytest.approx(expected)


def test_parameters_that_the_loss_does_not_depend_on_are_named(caplog):
    trained(OptimizerHook(detect_anomalous_params=True), [1.0])
    messages = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert messages == ["unused with shape torch.Size([2]) is not in the computational graph"]


def test_hooks_of_users_may_do_it_themselves():
    class Mine(OptimizerHook):
        """As such hooks look in 1.x code."""

        def after_train_iter(self, runner):
            runner.optimizer.zero_grad()
            runner.outputs["loss"].backward()
            runner.optimizer.step()

    assert trained(Mine(), [1.0, 2.0]).model.w.item() == -3.0


def test_fp16_keeps_the_arguments_of_1x():
    hook = Fp16OptimizerHook(
        grad_clip=dict(max_norm=1.0), coalesce=False, bucket_size_mb=2, loss_scale="dynamic"
    )
    runner = trained(hook, [1.0, 3.0])
    assert runner.model.w.item() == pytest.approx(-2.0, rel=1e-3)
    assert runner.strategy._scaler.get_scale() == 2.0**16
    runner = trained(GradientCumulativeFp16OptimizerHook(cumulative_iters=2), [1.0, 3.0])
    assert runner.model.w.item() == pytest.approx(-2.0, rel=1e-3)
    assert runner.strategy._scaler.get_scale() == 512.0


def test_wrong_arguments():
    for wrong in (0, -1, 1.5):
        with pytest.raises(ConfigError, match="cumulative_iters must be an int > 0"):
            OptimizerHook(cumulative_iters=wrong)
    with pytest.raises(ConfigError, match="'max_nrom'; did you mean 'max_norm'"):
        OptimizerHook(grad_clip=dict(max_nrom=1))
    with pytest.raises(ConfigError, match="loss_scale must be"):
        Fp16OptimizerHook(loss_scale="static")


def test_names():
    names = ("OptimizerHook", "GradientCumulativeOptimizerHook", "Fp16OptimizerHook")
    for name in (*names, "GradientCumulativeFp16OptimizerHook"):
        assert name in HOOKS
