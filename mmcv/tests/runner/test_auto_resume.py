import os

import pytest
import torch

from mmcv.config import Config
from mmcv.registry import ConfigError
from mmcv.runner.auto_resume import find_checkpoint, read_meta
from mmcv.runner.files import CheckpointError


def save(path, age=0, **meta):
    torch.save({"meta": meta, "state_dict": {"w": torch.zeros(2000)}}, path)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def cfg(work_dir, **keys):
    return Config({"work_dir": str(work_dir), "resume_from": None, **keys})


def test_nothing_is_asked_for(tmp_path):
    save(tmp_path / "iter_5.pth")
    assert find_checkpoint(cfg(tmp_path)) is None


def test_auto_resume_takes_the_newest_that_is_whole(tmp_path, caplog):
    old = save(tmp_path / "iter_4.pth", age=10)
    new = save(tmp_path / "iter_8.pth")
    assert find_checkpoint(cfg(tmp_path, auto_resume=True)) == new
    new.write_bytes(new.read_bytes()[:500])
    os.utime(new, (1e9, 1e9))
    assert find_checkpoint(cfg(tmp_path, auto_resume=True)) == old
    assert "iter_8.pth: damaged or incomplete" in caplog.text


def test_auto_resume_starts_afresh_only_if_there_is_nothing(tmp_path):
    assert find_checkpoint(cfg(tmp_path / "missing", auto_resume=True)) is None
    (tmp_path / "iter_8.pth").write_text("half a file")
    with pytest.raises(CheckpointError, match="no checkpoint can be resumed from.*Remove them"):
        find_checkpoint(cfg(tmp_path, auto_resume=True))


def test_a_file_or_a_work_dir_can_be_named(tmp_path):
    path = save(tmp_path / "iter_8.pth")
    other = save(tmp_path / "mine.pth")
    for asked, found in ((other, other), (tmp_path, path)):
        named = cfg("unused", resume_from=str(asked), auto_resume=True)
        assert find_checkpoint(named) == found
    with pytest.raises(ConfigError, match=r"resume_from: '/no/where.pth' does not exist"):
        find_checkpoint(cfg("unused", resume_from="/no/where.pth"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="empty holds no checkpoint"):
        find_checkpoint(cfg("unused", resume_from=str(tmp_path / "empty")))


def test_deepspeed_directories_are_checkpoints_or_hold_them(tmp_path):
    (tmp_path / "iter_4" / "global_step4").mkdir(parents=True)
    named = cfg("unused", deepspeed=True, resume_from=str(tmp_path / "iter_4"))
    assert find_checkpoint(named) == tmp_path / "iter_4"
    with pytest.raises(CheckpointError, match=r"manifest.json is missing"):
        find_checkpoint(cfg(tmp_path, deepspeed=True, auto_resume=True))


def test_meta_of_files_and_directories(tmp_path):
    assert read_meta(save(tmp_path / "a.pth", seed=3)) == {"seed": 3}
    step = tmp_path / "iter_4" / "global_step4"
    step.mkdir(parents=True)
    torch.save({"module": {}, "meta": {"seed": 5}}, step / "mp_rank_00_model_states.pt")
    assert read_meta(tmp_path / "iter_4") == {"seed": 5}
