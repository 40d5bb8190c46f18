"""Models built around a file: what is not in it must be as if nothing had been left out."""

import pytest
import torch
from torch import nn

from mmcv.model import BaseModule
from mmcv.runner import deferred, external, model_loading
from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.deferred import build_deferred, is_deferred
from mmcv.runner.model_loading import build_and_initialize, build_and_load

BIG = 64


class Backbone(BaseModule):
    """Initialises in its constructor, in init_weights, and by a file."""

    def __init__(self, pretrained=None):
        super().__init__()
        self.pretrained = pretrained
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, BIG))
        self.fc = nn.Linear(BIG, BIG)
        self.extra = nn.Linear(BIG, BIG)
        nn.init.constant_(self.extra.weight, 3.0)
        self.extra.weight.data[0, 0] = self.extra.weight[1, 1] + 1  # needs its value
        self.register_buffer("table", torch.arange(BIG * BIG).float())

    def init_weights(self):
        if self.pretrained:
            weights = external.read_backbone(self.pretrained)
            own = {k: v for k, v in weights.items() if k in self.state_dict()}
            self.load_state_dict(deferred.assign_deferred(self, own), strict=False)
        else:
            nn.init.constant_(self.fc.weight, 7.0)


class Model(BaseModule):
    def __init__(self, pretrained=None):
        super().__init__()
        self.backbone = Backbone(pretrained)
        self.head = nn.Linear(BIG, BIG)
        self.seen = [p.is_meta for p in self.parameters()]


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(deferred, "MIN_NUMEL", BIG)
    monkeypatch.setattr(model_loading, "MIN_BYTES", 1)


def saved(path, *names):
    torch.manual_seed(5)
    weights = {k: torch.randn_like(v) for k, v in Model().state_dict().items()}
    kept = {k: v for k, v in weights.items() if not names or k in names}
    torch.save({"state_dict": kept, "meta": {"iter": 3}}, path)
    return kept


def test_every_weight_of_the_file_becomes_a_parameter_without_a_copy(tmp_path):
    weights = saved(tmp_path / "a.pth")
    model, checkpoint = build_and_load(Model, tmp_path / "a.pth", {})
    assert any(model.seen)  # it was built without them
    assert checkpoint["meta"] == {"iter": 3}
    assert all(torch.equal(model.state_dict()[k], v) for k, v in weights.items())
    stored = checkpoint["state_dict"]["head.weight"]
    assert model.head.weight.data_ptr() == stored.data_ptr()
    assert model.backbone.table.data_ptr() != checkpoint["state_dict"]["backbone.table"].data_ptr()


def test_what_the_file_lacks_is_initialised_by_the_constructor_as_ever(tmp_path):
    weights = saved(tmp_path / "a.pth", "backbone.fc.weight", "backbone.pos_embed")
    torch.manual_seed(0)
    model, _ = build_and_load(Model, tmp_path / "a.pth", {})
    assert torch.equal(model.backbone.fc.weight, weights["backbone.fc.weight"])
    expected = torch.full((BIG, BIG), 3.0)
    expected[0, 0] = 4.0
    assert torch.equal(model.backbone.extra.weight.detach(), expected)
    assert torch.equal(model.backbone.table, torch.arange(BIG * BIG).float())
    bound = BIG**-0.5
    assert 0.9 * bound < model.head.weight.abs().max() <= bound  # nn.Linear's own
    assert model.head.bias.abs().max() > 0


def test_pretrained_backbone_is_mapped_and_the_head_is_drawn(tmp_path):
    weights = saved(tmp_path / "a.pth", "backbone.fc.weight", "backbone.fc.bias")
    path = str(tmp_path / "a.pth")
    cfg = {"model": {"backbone": {"pretrained": path}}}
    model = build_and_initialize(lambda: Model(path), cfg)
    assert not is_deferred(model)
    assert torch.equal(model.backbone.fc.weight, weights["backbone.fc.weight"])
    assert model.backbone.extra.weight[0, 0] == 4.0 and model.head.weight.std() > 0
    assert model.backbone.fc.weight.requires_grad


def test_own_way_of_loading_that_copies_is_given_a_whole_model(tmp_path):
    class Foreign(Backbone):
        def init_weights(self):
            with torch.no_grad():
                self.fc.weight.copy_(
                    torch.load(self.pretrained)["state_dict"]["backbone.fc.weight"]
                )

    class Plugin(Model):
        def __init__(self, pretrained):
            super().__init__()
            self.backbone = Foreign(pretrained)

    weights = saved(tmp_path / "a.pth")
    path = str(tmp_path / "a.pth")
    model = build_and_initialize(lambda: Plugin(path), {"model": {"pretrained": path}})
    assert not is_deferred(model)
    assert torch.equal(model.backbone.fc.weight, weights["backbone.fc.weight"])


def test_model_is_kept_in_the_dtype_of_the_config(tmp_path):
    weights = saved(tmp_path / "a.pth")
    cfg = {"deepspeed": True, "deepspeed_config": "zero1_bf16"}
    model, _ = build_and_load(Model, tmp_path / "a.pth", cfg)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model.backbone.table.dtype == torch.float32
    assert torch.equal(model.head.weight.float(), weights["head.weight"].bfloat16().float())


@pytest.mark.parametrize("key", ["resume_from", "load_from"])
def test_continued_run_has_the_weights_of_its_checkpoint(tmp_path, key):
    weights = saved(tmp_path / "a.pth")
    cfg = {"model": {"pretrained": "/nowhere"}, key: str(tmp_path / "a.pth")}
    model = build_and_initialize(Model, cfg)
    assert all(torch.equal(model.state_dict()[k], v) for k, v in weights.items())
    load_checkpoint(model, tmp_path / "a.pth")  # again, as the launch does
    assert all(torch.equal(model.state_dict()[k], v) for k, v in weights.items())


def test_draws_of_a_model_do_not_depend_on_a_look_at_its_names():
    torch.manual_seed(0)
    whole = Model()
    torch.manual_seed(0)
    same = build_deferred(Model, lambda skeleton: set())
    assert all(
        torch.equal(a, b) for a, b in zip(whole.parameters(), same.parameters(), strict=True)
    )


def test_misfits_are_left_as_initialised(tmp_path):
    weights = saved(tmp_path / "a.pth")
    weights["head.weight"] = torch.zeros(2, BIG)
    torch.save(weights, tmp_path / "a.pth")
    model, _ = build_and_load(Model, tmp_path / "a.pth", {})
    assert model.head.weight.shape == (BIG, BIG) and model.head.weight.std() > 0


def test_filled_parameters_can_be_trained_and_leave_the_file_alone(tmp_path):
    saved(tmp_path / "a.pth")
    before = (tmp_path / "a.pth").read_bytes()
    model, _ = build_and_load(Model, tmp_path / "a.pth", {})
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    (model.head.weight.square().sum() / 2).backward()
    optimizer.step()
    assert model.head.weight.abs().max() == 0
    assert (tmp_path / "a.pth").read_bytes() == before
