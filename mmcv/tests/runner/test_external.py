"""Frozen weights that stay in their pretrained file: recorded, found again, verified."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from mmcv.model import BaseModel
from mmcv.runner import external
from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.export import export_checkpoint
from mmcv.runner.external import RECORD, note_origin
from mmcv.runner.files import CheckpointError
from mmcv.runner.strategy import SingleDevice


class Model(BaseModel):
    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.backbone = nn.Linear(4, 3).requires_grad_(False)
        self.head = nn.Linear(3, 1)

    def forward_train(self, img, img_metas):
        return {"loss": self.head(self.backbone(img)).pow(2)}

    def simple_test(self, img, img_metas):
        return [0]

    def aug_test(self, imgs, img_metas):
        return [0]


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(external, "MIN_BYTES", 1)


@pytest.fixture
def pretrained(tmp_path):
    weights = {"weight": torch.randn(3, 4), "bias": torch.randn(3)}
    torch.save({"module": {f"backbone.{k}": v for k, v in weights.items()}}, tmp_path / "vit.pth")
    return tmp_path / "vit.pth"


def start(pretrained, seed=0, **options):
    """A strategy whose frozen backbone was just loaded."""
    model = Model(seed)
    for name, value in external.read_backbone(pretrained).items():
        model.backbone.get_parameter(name).data.copy_(value)
        note_origin(model.backbone.get_parameter(name), pretrained, name)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)
    return SingleDevice(model, optimizer, **options)


def step(strategy):
    batch = {"img": torch.ones(1, 4), "img_metas": [{}]}
    strategy.update(strategy.forward(batch)["loss"])


def test_frozen_weights_are_recorded_and_not_stored(tmp_path, pretrained):
    strategy = start(pretrained)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    content = torch.load(tmp_path / "a.pth", weights_only=True)
    assert set(content["state_dict"]) == {"head.weight", "head.bias"}
    assert set(content[RECORD]) == {"backbone.weight", "backbone.bias"}
    entry = content[RECORD]["backbone.weight"]
    assert (entry["file"], entry["name"]) == (str(pretrained), "weight")
    assert entry["dtype"] == "float32" and len(entry["sha256"]) == 64


def test_they_are_joined_on_resume_and_by_whoever_loads(tmp_path, pretrained):
    strategy = start(pretrained)
    step(strategy)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    resumed = SingleDevice(Model(7), torch.optim.SGD(Model().head.parameters(), lr=0.1))
    resumed.load(tmp_path / "a.pth")
    loaded = Model(8)
    load_checkpoint(loaded, tmp_path / "a.pth", strict=True)
    for model in (resumed.module, loaded):
        for (name, a), b in zip(
            model.state_dict().items(), strategy.module.state_dict().values(), strict=True
        ):
            assert torch.equal(a, b), name
    # A run that is continued records them too, though it never loaded the file by itself.
    resumed.save(tmp_path / "b.pth", {"meta": {"iter": 2}})
    records = [torch.load(tmp_path / f)[RECORD] for f in ("a.pth", "b.pth")]
    assert records[0] == records[1]


def test_changed_file_is_an_error_that_names_file_and_tensor(tmp_path, pretrained):
    strategy = start(pretrained)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    content = torch.load(pretrained)
    content["module"]["backbone.bias"][0] += 1e-3
    torch.save(content, pretrained)
    with pytest.raises(
        CheckpointError, match=r"vit\.pth: its tensor 'bias' is not the one.*a\.pth"
    ):
        strategy.load(tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"vit\.pth: its tensor 'bias'"):
        load_checkpoint(Model(), tmp_path / "a.pth")


def test_missing_file_is_looked_for_beside_the_checkpoint(tmp_path, pretrained):
    strategy = start(pretrained)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    strategy.save(folder / "a.pth", {"meta": {"iter": 1}})
    moved = shutil.move(pretrained, tmp_path / "moved.pth")
    with pytest.raises(
        CheckpointError, match=r"vit\.pth, which is missing; put the file.*elsewhere"
    ):
        strategy.load(folder / "a.pth")
    shutil.copy(moved, folder / "vit.pth")
    strategy.load(folder / "a.pth")


def test_weights_that_changed_since_are_stored(tmp_path, pretrained):
    strategy = start(pretrained)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    with torch.no_grad():
        strategy.module.backbone.bias.add_(1)  # somebody's hook
    strategy.save(tmp_path / "b.pth", {"meta": {"iter": 2}})
    content = torch.load(tmp_path / "b.pth")
    assert "backbone.bias" in content["state_dict"] and set(content[RECORD]) == {"backbone.weight"}


@pytest.mark.parametrize("why", ["asked for", "small", "trained"])
def test_otherwise_checkpoints_are_complete(tmp_path, pretrained, monkeypatch, why):
    if why == "small":
        monkeypatch.setattr(external, "MIN_BYTES", 10**6)
    strategy = start(pretrained, save_frozen=why == "asked for")
    if why == "trained":
        strategy.module.backbone.requires_grad_(True)
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    content = torch.load(tmp_path / "a.pth")
    assert RECORD not in content and len(content["state_dict"]) == 4


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_export_joins_them(tmp_path, pretrained, suffix):
    strategy = start(pretrained)
    strategy.save(tmp_path / "iter_1.pth", {"meta": {"iter": 1}})
    out = tmp_path / f"out{suffix}"
    export_checkpoint(tmp_path / "iter_1.pth", out)
    found = load_file(out) if suffix == ".safetensors" else torch.load(out)["state_dict"]
    expected = strategy.module.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[k], expected[k]) for k in expected)


def test_pretrained_file_may_be_safetensors(tmp_path):
    save_file({"weight": torch.randn(3, 4), "bias": torch.randn(3)}, tmp_path / "vit.safetensors")
    strategy = start(tmp_path / "vit.safetensors")
    strategy.save(tmp_path / "a.pth", {"meta": {"iter": 1}})
    strategy.load(tmp_path / "a.pth")
