import pytest
import torch

from mmcv.runner.checkpoint import CheckpointError
from mmcv.runner.checkpoint_loader import CheckpointLoader, load_from_local


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("a.pth", "load_from_local"),
        ("/a/b.pth", "load_from_local"),
        ("http://x/a.pth", "load_from_http"),
        ("https://x/a.pth", "load_from_http"),
        ("torchvision://resnet50", "load_from_torchvision"),
        ("modelzoo://resnet50", "load_from_torchvision"),
        ("open-mmlab://resnet50", "load_from_openmmlab"),
        ("openmmlab://resnet50", "load_from_openmmlab"),
        ("mmcls://resnet50", "load_from_openmmlab"),
    ],
)
def test_loaders_by_prefix(name, loader):
    assert CheckpointLoader._get_checkpoint_loader(name).__name__ == loader


def test_users_may_register_loaders(monkeypatch):
    monkeypatch.setattr(CheckpointLoader, "_schemes", dict(CheckpointLoader._schemes))

    @CheckpointLoader.register_scheme(prefixes="ftp://")
    def load_from_ftp(filename, map_location):
        return filename, map_location

    assert CheckpointLoader.load_checkpoint("ftp://x", "cpu") == ("ftp://x", "cpu")
    CheckpointLoader.register_scheme(["ftp://deeper/"], lambda name, where: "deeper")
    assert CheckpointLoader.load_checkpoint("ftp://deeper/x") == "deeper"  # the longest prefix
    with pytest.raises(KeyError, match="already registered"):
        CheckpointLoader.register_scheme("ftp://", load_from_ftp)
    CheckpointLoader.register_scheme("ftp://", lambda name, where: "new", force=True)
    assert CheckpointLoader.load_checkpoint("ftp://x") == "new"


def test_local_files_may_lie_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save({"x": 1}, tmp_path / "a.pth")
    assert load_from_local("~/a.pth", map_location=None) == {"x": 1}
    with pytest.raises(OSError, match="b.pth is not a checkpoint file"):
        load_from_local("~/b.pth", map_location=None)


def test_addresses_are_downloaded_once(tmp_path, monkeypatch):
    from mmcv.runner.checkpoint_loader import load_from_http

    asked = []

    def download(url, target):
        asked.append(url)
        torch.save({"x": 1}, target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):
        found = load_from_http("https://host/deep/a.pth?x=1", model_dir=str(tmp_path / "new"))
        assert found == {"x": 1}
    assert asked == ["https://host/deep/a.pth?x=1"]
    assert (tmp_path / "new" / "a.pth").is_file()


def test_names_without_a_host_say_what_to_do():
    with pytest.raises(CheckpointError, match="no longer exists; give the path of a copy"):
        CheckpointLoader.load_checkpoint("open-mmlab://resnet50_v1c")
    with pytest.raises(CheckpointError, match="torchvision has no weights of that name"):
        CheckpointLoader.load_checkpoint("torchvision://resnet5000")


def test_deepspeed_directories(tmp_path):
    step = tmp_path / "iter_3" / "global_step3"
    step.mkdir(parents=True)
    torch.save({"module": {"w": torch.ones(1)}, "iter": 3}, step / "mp_rank_00_model_states.pt")
    found = load_from_local(str(tmp_path / "iter_3"))
    assert found["module"]["w"].item() == 1 and found["meta"] == {"iter": 3}
