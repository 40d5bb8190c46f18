"""Writing in the background: what is written, when it counts, and what errors become."""

from __future__ import annotations

import threading

import pytest
import torch

from mmcv.runner.files import CheckpointError
from mmcv.runner.zero import directory
from mmcv.runner.zero.background import BackgroundWrite, Copies
from mmcv.runner.zero.directory import MODEL_FILE, begin_directory, read_directory, verify


def start(path, content, *, gate=None, fail=False):
    """A write that waits for the gate."""
    done = []

    def write(file):
        if gate is not None:
            gate.wait(60)
        if fail:
            raise OSError("No space left on device")
        directory.save_tensors(content)(file)

    temporary = begin_directory(path)
    return BackgroundWrite(path, temporary, {MODEL_FILE: write}, {"stage": 1}, done.append), done


def test_checkpoint_is_there_only_when_completed(tmp_path):
    gate = threading.Event()
    writing, done = start(tmp_path / "iter_1", {"module": {}}, gate=gate)
    assert not writing.is_written()
    assert not (tmp_path / "iter_1").exists()
    gate.set()
    writing.complete()
    assert done == [verify(tmp_path / "iter_1")]
    assert [p.name for p in tmp_path.iterdir()] == ["iter_1"]


def test_written_is_not_yet_completed(tmp_path):
    writing, done = start(tmp_path / "iter_1", {"module": {}})
    writing._task.wait()
    assert writing.is_written()
    assert done == []
    writing.complete()
    assert len(done) == 1


def test_error_of_the_thread_is_raised_on_completion(tmp_path):
    writing, done = start(tmp_path / "iter_1", {}, fail=True)
    with pytest.raises(CheckpointError, match=r"iter_1: could not be saved.*No space left"):
        writing.complete()
    assert done == []
    assert list(tmp_path.iterdir()) == []


def test_copies_hold_the_values_of_their_time(tmp_path):
    weight = torch.ones(3)
    content = {"module": {"w": weight}, "list": [weight, 1, "x"], "tuple": (weight[:2],)}
    gate = threading.Event()
    writing, _ = start(tmp_path / "iter_1", Copies().of(content, "model"), gate=gate)
    weight.zero_()
    gate.set()
    writing.complete()
    read = read_directory(tmp_path / "iter_1")
    assert read["module"]["w"].tolist() == [1, 1, 1]
    assert read["list"][0].tolist() == [1, 1, 1]
    assert read["list"][1:] == [1, "x"]
    assert read["tuple"][0].tolist() == [1, 1]


def test_memory_of_copies_is_used_again():
    copies = Copies()
    first = copies.of({"w": torch.ones(3)}, "model")["w"]
    second = copies.of({"w": torch.zeros(3)}, "model")["w"]
    assert first.data_ptr() == second.data_ptr()
    assert second.tolist() == [0, 0, 0]
    grown = copies.of({"w": torch.ones(4)}, "model")["w"]
    assert grown.tolist() == [1, 1, 1, 1]
