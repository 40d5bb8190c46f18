import logging
import os

import pytest

from mmcv.runner.files import CheckpointError
from mmcv.runner.store import CheckpointStore


@pytest.fixture
def make(tmp_path):
    """Makes checkpoints in the given order, each younger than the one before."""

    def files(*names, suffix=".pth"):
        for age, name in enumerate(names):
            path = tmp_path / f"{name}{suffix}"
            if suffix:
                path.write_text(name)
            else:
                path.mkdir()
            os.utime(path, ns=(age * 10**9, age * 10**9))
        return CheckpointStore(tmp_path, suffix)

    return files


def anything(path):
    return None


def names(paths):
    return [path.name for path in paths]


def test_names(tmp_path):
    assert CheckpointStore(tmp_path, ".pth").path("iter_5") == tmp_path / "iter_5.pth"
    assert CheckpointStore(tmp_path, ".pth").path("iter_5.pth") == tmp_path / "iter_5.pth"
    assert CheckpointStore(tmp_path, "").path("iter_5.pth") == tmp_path / "iter_5"


@pytest.mark.parametrize("suffix", [".pth", ""])
def test_the_latest_is_the_one_completed_last_and_the_best_ones_come_after_all(make, suffix):
    order = ("iter_900", "best_mIoU_iter_3", "iter_1", "iter_2", "notes", ".iter_3.pth.tmp")
    store = make(*order, suffix=suffix)
    store.mark_latest(store.path("iter_2"))
    expected = [f"{n}{suffix}" for n in ("iter_2", "iter_1", "iter_900", "best_mIoU_iter_3")]
    assert names(store.candidates()) == expected
    assert store.latest(anything) == store.path("iter_2")
    assert os.readlink(store.work_dir / f"latest{suffix}") == f"iter_2{suffix}"


def test_damaged_ones_are_skipped_with_the_reason(make, caplog):
    store = make("iter_1", "iter_2", "iter_3")

    def verify(path):
        if path.name != "iter_1.pth":
            raise CheckpointError(f"{path}: damaged")

    with caplog.at_level(logging.WARNING):
        assert store.latest(verify) == store.path("iter_1")
    assert [r.getMessage().split("/")[-1] for r in caplog.records] == [
        "iter_3.pth: damaged",
        "iter_2.pth: damaged",
    ]


def test_a_run_is_never_started_afresh_over_damaged_checkpoints(make):
    def verify(path):
        raise CheckpointError(f"{path.name}: damaged")

    store = make("iter_1", "iter_2")
    with pytest.raises(CheckpointError, match="iter_2.pth: damaged; iter_1.pth: damaged"):
        store.latest(verify)


def test_nothing_to_continue_from(tmp_path):
    assert CheckpointStore(tmp_path).latest(anything) is None
    assert CheckpointStore(tmp_path / "missing").latest(anything) is None


@pytest.mark.parametrize("suffix", [".pth", ""])
def test_prune_keeps_the_newest_of_this_run(make, suffix):
    # iter_90 is from another run in this folder.
    store = make("iter_90", "iter_1", "iter_2", "iter_3", "epoch_1", "best_x_iter_1", suffix=suffix)
    removed = store.prune(2, store.path("iter_3"))
    assert names(removed) == [f"iter_1{suffix}"]
    left = {p.name for p in store.work_dir.iterdir()}
    expected = ("iter_90", "iter_2", "iter_3", "epoch_1", "best_x_iter_1")
    assert left == {f"{n}{suffix}" for n in expected}


def test_prune_never_removes_the_only_one(make):
    store = make("iter_1")
    assert store.prune(0, store.path("iter_1")) == []
    assert store.prune(1, store.path("iter_1")) == []
    assert store.prune(1, store.path("iter_7")) == []  # not there: nothing may go


def test_prune_knows_names_of_other_templates(make):
    store = make("step-1-end", "step-2-end", "iter_1")
    removed = store.prune(1, store.path("step-2-end"), "step-{}-end.pth")
    assert names(removed) == ["step-1-end.pth"]


def test_a_directory_loses_its_name_before_its_content(make, monkeypatch):
    import shutil

    store = make("iter_1", suffix="")
    (store.path("iter_1") / "file").write_text("x")
    monkeypatch.setattr(shutil, "rmtree", lambda path: None)  # killed here
    store.remove(store.path("iter_1"))
    assert names(store.work_dir.iterdir()) == [".iter_1.tmp"]
    assert store.candidates() == []
    monkeypatch.undo()
    store.clean()
    assert names(store.work_dir.iterdir()) == []


def test_clean_removes_half_written_files_only(make):
    store = make(".iter_2.pth.tmp", "iter_1", ".latest.pth.tmp", ".hidden", suffix="")
    store.clean()
    assert {p.name for p in store.work_dir.iterdir()} == {"iter_1", ".hidden"}
