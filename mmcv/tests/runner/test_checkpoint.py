from collections import OrderedDict

import pytest
import torch
from torch import nn

from mmcv.parallel import MMDataParallel
from mmcv.runner.checkpoint import (
    CheckpointError,
    _load_checkpoint,
    _load_checkpoint_with_prefix,
    get_state_dict,
    load_checkpoint,
    load_state_dict,
    read_resumable,
    save_checkpoint,
    weights_to_cpu,
)
from mmcv.runner.file_saver import FileSaver


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.head = nn.Linear(3, 2)


def test_wrappers_at_any_depth_leave_no_trace_in_keys():
    net = Net()
    expected = net.state_dict()
    net.block = MMDataParallel(net.block)
    net.block.module.conv = MMDataParallel(net.block.module.conv)
    found = get_state_dict(MMDataParallel(net))
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert set(found._metadata) == {"", "block", "block.conv", "block.norm", "head"}
    other = Net()
    other.block = MMDataParallel(other.block)
    assert load_state_dict(MMDataParallel(other), found) == ([], [], [])
    assert torch.equal(other.block.module.conv.weight, expected["block.conv.weight"])


@pytest.mark.parametrize("key", ["state_dict", "module", "model", None])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_are_found_in_every_layout(key, prefix, tmp_path):
    source, target = Net(), Net()
    weights = {prefix + name: value for name, value in source.state_dict().items()}
    torch.save({key: weights, "meta": {}} if key else weights, tmp_path / "a.pth")
    checkpoint = load_checkpoint(target, str(tmp_path / "a.pth"))
    assert list(checkpoint[key] if key else checkpoint) == list(weights)  # as it is in the file
    assert torch.equal(target.head.weight, source.head.weight)


def test_keys_can_be_revised(tmp_path):
    source, target = Net(), Net()
    torch.save({f"net.{k}": v for k, v in source.state_dict().items()}, tmp_path / "a.pth")
    revise = [(r"^net\.", ""), (r"^head\.", "nothing.")]
    load_checkpoint(target, tmp_path / "a.pth", revise_keys=revise)
    assert torch.equal(target.block.conv.weight, source.block.conv.weight)
    assert not torch.equal(target.head.weight, source.head.weight)


def test_misfits_are_logged_or_raised(tmp_path, caplog):
    weights = Net().state_dict()
    weights["head.weight"] = torch.zeros(5, 3)
    weights["extra"] = torch.zeros(1)
    del weights["head.bias"], weights["block.norm.num_batches_tracked"]
    torch.save(weights, tmp_path / "a.pth")
    load_checkpoint(Net(), tmp_path / "a.pth")
    text = caplog.text
    assert "unexpected key in source state_dict: extra" in text
    assert "missing keys in source state_dict: head.bias\n" in text  # counters do not matter
    assert "size mismatch for head.weight" in text and "[5, 3]" in text
    with pytest.raises(RuntimeError, match="missing keys in source state_dict: head.bias"):
        load_checkpoint(Net(), tmp_path / "a.pth", strict=True)


def test_a_checkpoint_of_another_model_is_an_error(tmp_path):
    torch.save({"state_dict": nn.Linear(1, 1).state_dict()}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"a.pth: none of its 2 tensors fits the model"):
        load_checkpoint(Net(), tmp_path / "a.pth")
    torch.save([1], tmp_path / "a.pth")
    with pytest.raises(RuntimeError, match="No state_dict found in checkpoint file"):
        load_checkpoint(Net(), tmp_path / "a.pth")


def test_versions_of_modules_travel_with_the_weights(tmp_path):
    seen = []

    class Versioned(nn.Module):
        _version = 2

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def _load_from_state_dict(self, state, prefix, local_metadata, *args):
            seen.append(local_metadata.get("version"))
            super()._load_from_state_dict(state, prefix, local_metadata, *args)

    save_checkpoint(nn.Sequential(Versioned()), tmp_path / "a.pth")
    load_checkpoint(nn.Sequential(Versioned()), tmp_path / "a.pth")
    assert seen == [2]


def test_weights_below_a_prefix(tmp_path):
    net = Net()
    torch.save({"state_dict": net.state_dict()}, tmp_path / "a.pth")
    found = _load_checkpoint_with_prefix("block.norm", str(tmp_path / "a.pth"))
    assert list(found) == list(net.block.norm.state_dict())
    with pytest.raises(AssertionError, match="nothing. is not in the pretrained model"):
        _load_checkpoint_with_prefix("nothing", str(tmp_path / "a.pth"))


def test_save_checkpoint_has_the_layout_of_1x(tmp_path):
    net = Net()
    net.CLASSES = ("a", "b")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    path = tmp_path / "new folder" / "a.pth"
    save_checkpoint(MMDataParallel(net), path, optimizer, {"mine": 1})
    checkpoint = _load_checkpoint(path)
    assert set(checkpoint) == {"meta", "state_dict", "optimizer"}
    assert checkpoint["meta"]["CLASSES"] == ("a", "b") and checkpoint["meta"]["mine"] == 1
    assert {"mmcv_version", "time"} <= set(checkpoint["meta"])
    assert checkpoint["optimizer"]["param_groups"][0]["lr"] == 0.1
    save_checkpoint(net, path, {"x": optimizer})
    assert list(_load_checkpoint(path)["optimizer"]) == ["x"]
    with pytest.raises(TypeError, match="meta must be a dict"):
        save_checkpoint(net, path, meta=[])
    with pytest.raises(CheckpointError, match="only the disk"):
        save_checkpoint(net, path, file_client_args={"backend": "petrel"})


def test_a_view_is_stored_without_what_it_looks_at(tmp_path):
    big = torch.zeros(100_000)
    weights = weights_to_cpu(OrderedDict(a=big[:2], b=torch.ones(3)))
    assert weights["a"].untyped_storage().nbytes() == 8
    assert weights["a"].tolist() == [0, 0]


def trained(net):
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    net.head(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer


def test_resuming_restores_weights_and_optimizer_bit_for_bit(tmp_path):
    source, target = Net(), Net()
    optimizer = trained(source)
    FileSaver().save(tmp_path / "a.pth", source, optimizer, {"meta": {"iter": 1}, "rng": [1]})
    restored = torch.optim.AdamW(target.parameters(), lr=0.5)
    state = read_resumable(tmp_path / "a.pth", target, restored)
    assert state["rng"] == [1] and set(state) == {"meta", "rng"}
    for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    old, new = optimizer.state_dict()["state"], restored.state_dict()["state"]
    assert old.keys() == new.keys()
    assert all(torch.equal(old[i][name], new[i][name]) for i in old for name in old[i])


def test_what_cannot_be_resumed_is_an_error(tmp_path):
    path, net = tmp_path / "a.pth", Net()
    torch.save({"state_dict": net.state_dict()}, path)
    with pytest.raises(CheckpointError, match="no 'meta', so it cannot be resumed; use load_from"):
        read_resumable(path, net, None)
    save_checkpoint(net, path)
    with pytest.raises(CheckpointError, match="no optimizer state"):
        read_resumable(path, net, torch.optim.SGD(net.parameters(), lr=0.1))
    with pytest.raises(CheckpointError, match="missing keys in source state_dict: weight, bias"):
        read_resumable(path, nn.Linear(1, 1), None)
    save_checkpoint(net, path, torch.optim.SGD(net.parameters(), lr=0.1))
    groups = [{"params": [p]} for p in net.parameters()]
    with pytest.raises(CheckpointError, match="the optimizer does not fit"):
        read_resumable(path, net, torch.optim.SGD(groups, lr=0.1))


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    path, net = tmp_path / "a.pth", Net()
    FileSaver().save(path, net, None, {})
    before = path.read_bytes()

    def full(obj, file):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match=r"could not be saved: .*checkpoint is intact"):
        FileSaver().save(path, net, None, {})
    assert path.read_bytes() == before
