import pytest
import torch
from torch import nn

from mmcv.runner.loss_watch import LossWatch, NonFiniteLossError


def outputs(loss, **parts):
    return {"loss": torch.tensor(loss), "log_vars": {k: torch.tensor(v) for k, v in parts.items()}}


def test_the_first_bad_iteration_and_its_parts_are_named():
    watch = LossWatch(interval=100)
    for i in range(10):
        bad = float("nan") if i >= 6 else 1.0
        watch.add(i, outputs(bad, **{"decode.loss_ce": 1.0, "aux.loss_ce": bad, "acc": 1.0}))
    with pytest.raises(NonFiniteLossError) as error:
        watch.check()
    text = str(error.value)
    assert "not finite since iteration 7 (looked at 1 to 10): aux.loss_ce, loss." in text
    assert "The last checkpoint stays" in text and "grad_clip" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_it_looks_at_every_interval(value):
    watch = LossWatch(interval=3)
    for i, loss in enumerate([1.0, value, 1.0]):
        watch.add(i, outputs(loss))
        if i < 2:
            watch.look(i)
    with pytest.raises(NonFiniteLossError, match="iteration 2"):
        watch.look(2)


def test_finite_losses_and_bad_numbers_that_are_no_loss_pass():
    watch = LossWatch(interval=2)
    for i in range(7):
        watch.add(i, outputs(1.0, acc_seg=float("nan")))
        watch.look(i)
    watch.check()
    watch.check()  # nothing new
    assert watch._seen == []


def test_numbers_and_losses_of_any_shape():
    watch = LossWatch()
    watch.add(0, {"loss": torch.ones(2, 1), "log_vars": {"loss_a": 1.0}})
    watch.check()
    watch.add(1, {"log_vars": {"loss_a": float("inf")}})
    with pytest.raises(NonFiniteLossError, match="loss_a"):
        watch.check()


def test_nothing_is_read_from_the_device_between_checks():
    loss = torch.ones((), device="meta", requires_grad=True) * 2  # has no value to read
    watch = LossWatch(interval=10)
    watch.add(0, {"loss": loss, "log_vars": {"loss_a": loss.detach()}})
    assert watch._seen[0][1]["loss"].grad_fn is None  # the graph is let go


def test_frozen_parameters_are_not_looked_at():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    model.bias.data[:] = float("nan")
    LossWatch().check_weights(model)
    model.weight.data[0, 0] = float("inf")
    with pytest.raises(NonFiniteLossError, match="parameters are not finite.*weight"):
        LossWatch().check_weights(model)
