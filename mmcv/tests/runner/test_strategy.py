import threading

import pytest
import torch
from torch import nn

from mmcv.model import BaseModel
from mmcv.parallel import MMDataParallel
from mmcv.runner import file_saver
from mmcv.runner.file_saver import write
from mmcv.runner.files import CheckpointError
from mmcv.runner.strategy import SingleDevice, has_own_train_step, make_strategy


class Linear(BaseModel):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)

    def forward_train(self, img, img_metas):
        return {"loss_a": self.fc(img).pow(2), "acc": img.sum()}

    def simple_test(self, img, img_metas):
        return [0]

    def aug_test(self, imgs, img_metas):
        return [0]


def batch(*rows):
    return {"img": torch.tensor(rows), "img_metas": [{} for _ in rows]}


def make(lr=0.1, seed=0, **options):
    torch.manual_seed(seed)
    model = Linear()
    return SingleDevice(model, torch.optim.SGD(model.parameters(), lr=lr), **options)


def test_forward_returns_what_1x_train_steps_return_and_leaves_numbers_on_the_device():
    strategy = make()
    outputs = strategy.forward(batch([1.0, 2.0], [3.0, 4.0]))
    assert set(outputs) == {"loss", "log_vars", "num_samples"} and outputs["num_samples"] == 2
    log_vars = outputs["log_vars"]
    assert list(log_vars) == ["loss_a", "acc", "loss"]
    assert all(isinstance(v, torch.Tensor) and not v.requires_grad for v in log_vars.values())
    assert log_vars["loss"] == outputs["loss"] == log_vars["loss_a"]
    assert log_vars["acc"] == 10


def test_a_models_own_train_step_is_called():
    class Own(Linear):
        def train_step(self, data, optimizer):
            return {"loss": self.fc.weight.sum() * 0, "optimizer": optimizer}

    class OwnParsing(Linear):
        def _parse_losses(self, losses):
            return losses["loss_a"].sum(), {"mine": 1.0}

    optimizer = object()
    assert SingleDevice(Own(), optimizer).forward({})["optimizer"] is optimizer
    assert SingleDevice(OwnParsing()).forward(batch([1.0, 2.0]))["log_vars"] == {"mine": 1.0}
    assert not has_own_train_step(Linear()) and has_own_train_step(OwnParsing())


def test_the_bare_model_is_what_others_see():
    model = Linear()
    strategy = SingleDevice(MMDataParallel(model))
    assert strategy.module is model
    with pytest.raises(AssertionError, match="no method train_step"):
        SingleDevice(nn.Linear(1, 1))


def test_update_is_one_step_of_gradient_descent():
    strategy = make(lr=0.5)
    before = strategy.module.fc.weight.detach().clone()
    outputs = strategy.forward(batch([1.0, 2.0]))
    gradient = torch.autograd.grad(outputs["loss"], strategy.module.fc.weight, retain_graph=True)
    assert strategy.update(outputs["loss"]) is None
    assert torch.equal(strategy.module.fc.weight, before - 0.5 * gradient[0])


@pytest.mark.parametrize("norm_type", [2.0, 1.0])
def test_clipping_scales_gradients_to_the_norm_and_returns_the_old_one(norm_type):
    strategy = make(lr=1.0)
    before = [p.detach().clone() for p in strategy.module.parameters()]
    outputs = strategy.forward(batch([10.0, 20.0]))
    params = list(strategy.module.parameters())
    gradients = torch.autograd.grad(outputs["loss"], params, retain_graph=True)
    norm = torch.cat([g.flatten() for g in gradients]).norm(norm_type)
    found = strategy.update(outputs["loss"], max_norm=0.25, norm_type=norm_type)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found, norm)
    steps = [a - b.detach() for a, b in zip(before, params, strict=True)]
    total = torch.cat([s.flatten() for s in steps]).norm(norm_type)
    assert total.item() == pytest.approx(0.25, rel=1e-5)


def test_accumulated_gradients_equal_those_of_one_big_batch():
    rows = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]
    whole, parts = make(), make()
    whole.update(whole.forward(batch(*rows))["loss"])
    for i, row in enumerate(rows):
        parts.boundary = i == 2
        before = parts.module.fc.weight.detach().clone()
        parts.update(parts.forward(batch(row))["loss"], divide_by=3)
        assert torch.equal(parts.module.fc.weight, before) == (i < 2)
    torch.testing.assert_close(parts.module.fc.weight, whole.module.fc.weight)
    # The next group begins with nothing.
    for strategy in (whole, parts):
        strategy.update(strategy.forward(batch(rows[0]))["loss"])
    torch.testing.assert_close(parts.module.fc.weight, whole.module.fc.weight)


def test_gradients_of_an_unfinished_group_are_saved(tmp_path):
    strategy = make()
    strategy.boundary = False
    strategy.update(strategy.forward(batch([1.0, 2.0]))["loss"], divide_by=2)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    restored = make(seed=1)
    state = restored.load(tmp_path / "a.pth")
    assert set(state) == {"meta"}
    for one in (strategy, restored):
        one.boundary = True
        one.update(one.forward(batch([3.0, 4.0]))["loss"], divide_by=2)
    assert torch.equal(strategy.module.fc.weight, restored.module.fc.weight)


def test_fp16_scales_the_loss_and_skips_steps_that_overflow():
    strategy = make()
    strategy.use_fp16({"init_scale": 1024.0, "growth_interval": 1000})
    before = strategy.module.fc.weight.detach().clone()
    outputs = strategy.forward(batch([1.0, 2.0]))
    norm = strategy.update(outputs["loss"] * 1e37, max_norm=1.0)  # beyond fp32 after scaling
    assert not torch.isfinite(norm)
    assert torch.equal(strategy.module.fc.weight, before)
    plain = make()
    strategy.update(strategy.forward(batch([1.0, 2.0]))["loss"])
    plain.update(plain.forward(batch([1.0, 2.0]))["loss"])
    torch.testing.assert_close(
        strategy.module.fc.weight, plain.module.fc.weight, atol=2e-3, rtol=1e-2
    )


def test_a_fixed_loss_scale_stays_and_the_dynamic_one_is_resumed(tmp_path):
    fixed, dynamic = make(), make()
    fixed.use_fp16(512.0)
    dynamic.use_fp16("dynamic")
    for strategy in (fixed, dynamic):
        strategy.update(strategy.forward(batch([1.0, 2.0]))["loss"] * float("inf"))
    assert fixed._scaler.get_scale() == 512.0
    assert dynamic._scaler.get_scale() == 2.0**15  # halved from torch's default
    dynamic.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    restored = make()
    restored.load(tmp_path / "a.pth")
    restored.use_fp16("dynamic")  # by a hook, which runs after the checkpoint was loaded
    assert restored._scaler.state_dict() == dynamic._scaler.state_dict()


def test_make_strategy_without_processes_and_deepspeed():
    model = Linear()
    for settings in ({}, {"deepspeed": False}, {"deepspeed": None}):
        assert type(make_strategy(model, None, settings)) is SingleDevice


def test_modes():
    strategy = make()
    strategy.eval()
    assert not strategy.module.fc.training
    strategy.train()
    assert strategy.module.fc.training


def test_file_in_the_background_is_that_of_its_iteration(tmp_path, monkeypatch):
    gate = threading.Event()

    def write_when_allowed(path, content):
        gate.wait(60)
        return write(path, content)

    monkeypatch.setattr(file_saver, "write", write_when_allowed)
    strategy, completed = make(), []
    now = {k: v.clone() for k, v in strategy.module.state_dict().items()}
    strategy.save(tmp_path / "a.pth", {"meta": {}}, then=lambda: completed.append(1))
    strategy.update(strategy.forward(batch([1.0, 2.0]))["loss"])
    assert not completed and not (tmp_path / "a.pth").exists()
    gate.set()
    strategy.finish_saving()
    assert completed == [1]
    saved = torch.load(tmp_path / "a.pth", weights_only=True)["state_dict"]
    assert saved._metadata == strategy.module.state_dict()._metadata
    assert all(torch.equal(saved[k], now[k]) for k in now)
    assert not torch.equal(strategy.module.fc.weight, now["fc.weight"])


def test_update_completes_what_is_written(tmp_path):
    strategy, completed = make(), []
    strategy.save(tmp_path / "a.pth", {"meta": {}}, then=lambda: completed.append(1))
    strategy._saver._task._thread.join()
    strategy.update(strategy.forward(batch([1.0, 2.0]))["loss"])
    assert completed == [1]


def test_failure_in_the_background_is_raised(tmp_path):
    strategy = make()
    strategy.save(tmp_path / "no" / "a.pth", {"meta": {}}, then=lambda: None)
    with pytest.raises(CheckpointError, match=r"a\.pth: could not be saved.*previous checkpoint"):
        strategy.finish_saving()
    strategy.finish_saving()


def test_accumulated_gradients_do_not_keep_from_saving():
    strategy = make()
    strategy.boundary = False
    assert strategy.can_save
