"""A disk that fills up in the middle of a save: a small file system, or a limit on file sizes."""

import contextlib
import os
import resource
import subprocess

import pytest
import torch

WIDE = "model['channels'] = 20000"  # checkpoints of 10 MB
EARLY = "runner['max_iters'] = 4\ncheckpoint_config['interval'] = 2\nevaluation = dict(interval=9)"
LATER = EARLY.replace("= 4", "= 8")
DEEPSPEED = "deepspeed = True\ndeepspeed_config = dict(zero_optimization=dict(stage=1))"
BOTH = pytest.mark.parametrize("asynchronous", [True, False])


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB, where mounting one is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@BOTH
@pytest.mark.processes
@pytest.mark.parametrize("strategy", ["", pytest.param(DEEPSPEED, marks=pytest.mark.deepspeed)])
def test_a_full_disk(strategy, asynchronous, small_disk, start, config, tmp_path):
    work_dir = small_disk / "w"
    how = f"checkpoint_config['asynchronous'] = {asynchronous}"
    (result,) = start(config(WIDE, EARLY, strategy, how), work_dir, "--seed", "0").wait()
    assert result[0] == 0, result[1]
    before = {p.name for p in work_dir.iterdir() if "iter" in p.name}
    free = os.statvfs(small_disk)
    with open(small_disk / "ballast", "wb") as ballast:  # room for half a checkpoint
        ballast.write(b"0" * (free.f_bavail * free.f_frsize - 4 * 2**20))
    path = config(WIDE, LATER, strategy, how, name="later.py")
    (result,) = start(path, work_dir, "--auto-resume").wait()
    assert result[0] == 1
    line = next(row for row in result[1].splitlines() if row.startswith("error: "))
    assert "iter_6" in line and "No space left" in line and "previous checkpoint is intact" in line
    assert "Traceback" not in result[1]
    assert {p.name for p in work_dir.iterdir() if "iter" in p.name} == before
    (small_disk / "ballast").unlink()
    (result,) = start(path, work_dir, "--auto-resume").wait()
    assert result[0] == 0, result[1]
    assert any(p.name.startswith("iter_8") for p in work_dir.iterdir())


@contextlib.contextmanager
def largest_file(num_bytes):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@BOTH
def test_a_file_that_cannot_grow(asynchronous, train, config, tmp_path, capsys):
    how = f"checkpoint_config['asynchronous'] = {asynchronous}"
    train(config(WIDE, EARLY, how), tmp_path / "w", "--seed", "0")
    before = {p.name for p in (tmp_path / "w").glob("iter*.pth")}
    with largest_file(4 * 2**20), pytest.raises(SystemExit):
        train(config(WIDE, LATER, how), tmp_path / "w", "--auto-resume")
    line = next(r for r in capsys.readouterr().err.splitlines() if r.startswith("error: "))
    assert "iter_6.pth: could not be saved" in line and "previous checkpoint is intact" in line
    assert {p.name for p in (tmp_path / "w").iterdir() if "iter" in p.name} == before
    assert torch.load(tmp_path / "w/latest.pth")["meta"]["iter"] == 4
    train(config(WIDE, LATER, how), tmp_path / "w", "--auto-resume")
    assert torch.load(tmp_path / "w/latest.pth")["meta"]["iter"] == 8
