import os
import pathlib
from collections import OrderedDict

import numpy as np
import pytest
import torch

from mmcv.runner import files
from mmcv.runner.files import (
    UNSAFE_VARIABLE,
    CheckpointError,
    plain,
    read_file,
    replace_link,
    save_file,
    verify_file,
)


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (str(Evil.folder),)


def test_a_file_is_read_as_it_was_saved(tmp_path):
    path = tmp_path / "a.pth"
    weights = OrderedDict(w=torch.rand(3, 2))
    weights._metadata = OrderedDict(x={"version": 2})
    save_file(path, {"state_dict": weights, "meta": {"classes": ("a", "b")}})
    found = read_file(path)
    assert torch.equal(found["state_dict"]["w"], weights["w"])
    assert found["state_dict"]._metadata == weights._metadata
    assert found["meta"] == {"classes": ("a", "b")}
    verify_file(path)
    assert os.listdir(tmp_path) == ["a.pth"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "a.pth"
    save_file(path, {"x": torch.zeros(3)})

    def half(obj, file):
        file.write(b"half a file")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(type(error)):
        save_file(path, {"x": torch.ones(3)})
    assert read_file(path)["x"].tolist() == [0, 0, 0]
    assert os.listdir(tmp_path) == ["a.pth"]


def test_the_bytes_are_on_disk_before_the_name_points_to_them(tmp_path, monkeypatch):
    steps = []
    real_replace, real_sync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: steps.append("sync") or real_sync(fd))
    monkeypatch.setattr(os, "replace", lambda a, b: steps.append("rename") or real_replace(a, b))
    save_file(tmp_path / "a.pth", {"x": 1})
    assert steps == ["sync", "rename", "sync"]  # file, name, folder


def test_damaged_files_are_found(tmp_path):
    path = tmp_path / "a.pth"
    save_file(path, {"x": torch.zeros(10_000)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    for check in (verify_file, read_file):
        with pytest.raises(CheckpointError, match=r"a.pth: damaged or incomplete"):
            check(path)
    flipped = bytearray(whole)
    flipped[20_000] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(CheckpointError, match="wrong checksum"):
        verify_file(path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError):
        read_file(path)
    with pytest.raises(CheckpointError, match="no such file"):
        verify_file(tmp_path / "b.pth")
    with pytest.raises(FileNotFoundError, match="b.pth is not a checkpoint file"):
        read_file(tmp_path / "b.pth")


def test_code_in_a_file_is_not_run(tmp_path, monkeypatch):
    Evil.folder = tmp_path / "made by the file"
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(CheckpointError, match=rf"mkdir.*can run any code.*{UNSAFE_VARIABLE}=1"):
        read_file(path)
    assert not Evil.folder.exists()
    torch.save({"x": pathlib.PurePosixPath("a")}, path)
    monkeypatch.setenv(UNSAFE_VARIABLE, "1")
    assert read_file(path)["x"] == pathlib.PurePosixPath("a")


def test_numpy_values_in_old_checkpoints_are_read(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"meta": {"best": np.float64(0.5), "palette": np.arange(6).reshape(2, 3)}}, path)
    meta = read_file(path)["meta"]
    assert meta["best"] == 0.5
    assert meta["palette"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_legacy_and_safetensors_files(tmp_path):
    from safetensors.torch import save_file as save_safetensors

    path = tmp_path / "old.pth"
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert read_file(path)["w"].tolist() == [1, 1]
    path = tmp_path / "a.safetensors"
    save_safetensors({"w": torch.ones(2)}, path)
    assert read_file(path)["state_dict"]["w"].tolist() == [1, 1]
    path.write_bytes(b"no header")
    with pytest.raises(CheckpointError, match=r"a.safetensors: damaged"):
        read_file(path)


def test_plain_values_can_be_read_back(tmp_path):
    class Name(str):
        pass

    value = {
        "path": pathlib.Path("a/b"),
        "score": np.float32(0.5),
        "count": np.int64(3),
        "flag": np.bool_(True),
        "array": np.ones((1, 2)),
        "names": (Name("x"), [Name("y")], {1}),
        "nothing": None,
        "function": len,
        Name("key"): torch.ones(1),
    }
    found = plain(value)
    assert found["path"] == "a/b" and found["score"] == 0.5 and found["count"] == 3
    assert found["names"] == ("x", ["y"], (1,)) and found["array"] == [[1.0, 1.0]]
    assert type(found["score"]) is float and type(found["names"][0]) is str
    save_file(tmp_path / "a.pth", found)
    assert read_file(tmp_path / "a.pth")["flag"] is True


def test_a_link_always_points_somewhere(tmp_path, monkeypatch):
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).write_text(name)
    link = tmp_path / "latest.pth"
    replace_link(link, tmp_path / "a.pth")
    replace_link(link, tmp_path / "b.pth")
    assert os.readlink(link) == "b.pth"  # relative: the folder may be moved

    def refused(*args):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refused)
    replace_link(link, tmp_path / "a.pth")
    assert not link.is_symlink() and link.read_text() == "a.pth"


def test_folders_that_cannot_be_synced_do_no_harm(tmp_path, monkeypatch):
    def refused(fd):
        raise OSError("not supported")

    monkeypatch.setattr(os, "fsync", refused)
    files.sync_folder(tmp_path)
    files.sync_folder(tmp_path / "missing")
