"""What goes wrong in one of several processes, or between two runs."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mmcv.registry import ConfigError
from mmcv.runner import work_dir_lock
from mmcv.runner.watchdog import describe
from mmcv.runner.work_dir_lock import locked

pytestmark = pytest.mark.processes

PLAIN = "model['dropout'] = 0.0\nevaluation = dict(interval=12, pre_eval=True)"
DEEPSPEED = "deepspeed = True\ndeepspeed_config = dict(zero_optimization=dict(stage=2))"
QUICK = "failures = dict(hang_timeout=3.0)"


def event(at, what, rank, argument):
    values = f"at={at}, what='{what}', rank={rank}, argument={argument!r}"
    return f"custom_hooks = [dict(type='EventHook', {values})]"


def names(work_dir):
    return {p.name for p in work_dir.iterdir() if ".log" not in p.name}


@pytest.mark.parametrize("strategy", ["", pytest.param(DEEPSPEED, marks=pytest.mark.deepspeed)])
def test_a_signal_to_one_rank_ends_all_and_the_run_goes_on_later(
    strategy, start, config, tmp_path, checkpoint_differences
):
    path = config(PLAIN, strategy, event(5, "signal", 1, "SIGTERM"))
    plain = config(PLAIN, strategy, name="plain.py")
    results = start(path, tmp_path / "w", "--seed", "0", num=2).wait()
    assert [code for code, _ in results] == [85, 85], results[0][1]
    # The ranks agree behind the next iteration.
    suffix = "" if strategy else ".pth"
    assert f"saved as {tmp_path}/w/iter_7{suffix}; exit code 85" in results[0][1]
    for work_dir in (tmp_path / "w", tmp_path / "whole"):
        results = start(plain, work_dir, "--seed", "0", "--auto-resume", num=2).wait()
        assert [code for code, _ in results] == [0, 0], results[0][1]
    left, whole = names(tmp_path / "w") - {"toy.py"}, names(tmp_path / "whole")
    assert left == whole
    if not strategy:
        last = "iter_12.pth"
        found = checkpoint_differences(tmp_path / "w" / last, tmp_path / "whole" / last)
        assert [d for d in found if not d.startswith(".meta.hook_msgs")] == []


def test_a_loss_that_is_not_finite_on_one_rank_ends_all(start, config, tmp_path):
    path = config("model.update(poison_at=7, poison_rank=1)")
    results = start(path, tmp_path / "w", "--seed", "0", num=2).wait()
    assert [code for code, _ in results] == [1, 1]
    text = results[0][1]
    assert "the loss is not finite in iteration 7 on rank 1: decode.loss_ce" in text
    assert f"saved as {tmp_path}/w/iter_6.pth" in text and ".jpg" in text


@pytest.mark.deepspeed
@pytest.mark.parametrize("stage", [0, 2, 3])
def test_a_step_that_is_not_finite_is_skipped_by_all_ranks(stage, start, config, tmp_path):
    skip = "failures = dict(non_finite='skip')\nmodel.update(poison_at=[3, 6], poison_rank=1)"
    strategy = DEEPSPEED.replace("stage=2", f"stage={stage}")
    results = start(config(skip, strategy), tmp_path / "w", "--seed", "0", num=2).wait()
    assert [code for code, _ in results] == [0, 0], results[0][1]
    assert "skipped the step (1 in a row, 2 in all)" in results[0][1]
    rows = [json.loads(r) for r in next((tmp_path / "w").glob("*.json")).read_text().splitlines()]
    losses = [row["loss"] for row in rows if row.get("mode") == "train"]
    assert len(losses) == 6 and all(0 < loss < 2 for loss in losses)


@pytest.mark.parametrize(
    ("trouble", "where"),
    [
        (event(5, "sleep", 1, 1000), "EventHook.after_train_iter"),
        ("data['train']['hang_rank'] = 1", "loading data"),
    ],
)
def test_a_hanging_rank_is_named_and_ends_all(trouble, where, start, config, tmp_path):
    results = start(config(PLAIN, QUICK, trouble), tmp_path / "w", num=2).wait()
    assert [code for code, _ in results] == [86, 86], results[0][1]
    for _, text in results:
        assert f"error: rank 1 hangs at '{where}'" in text and "rank 0 waits at" in text
    assert "time.sleep" in results[1][1] or "toy_run.py" in results[1][1]  # where it hangs
    results = start(config(PLAIN), tmp_path / "w", "--auto-resume", num=2).wait()
    assert [code for code, _ in results] == [0, 0], results[0][1]


def test_a_frozen_rank_is_named(start, config, tmp_path):
    run = start(config(PLAIN, QUICK, event(5, "signal", 1, "SIGSTOP")), tmp_path / "w", num=2)
    deadline = time.monotonic() + 60
    while "no sign of life" not in run.text(0) and time.monotonic() < deadline:
        time.sleep(0.1)
    run.send(signal.SIGKILL, 1)
    results = run.wait()
    assert [code for code, _ in results] == [86, -9]
    assert "error: rank 1 (" in results[0][1] and "killed or frozen" in results[0][1]


def test_a_killed_rank_ends_the_others(start, config, tmp_path):
    run = start(config(PLAIN, event(5, "signal", 1, "SIGKILL")), tmp_path / "w", num=2)
    results = run.wait()
    assert [code for code, _ in results] == [1, -9]
    assert "error: rank 0 lost another rank" in results[0][1]
    assert "Traceback" not in results[0][1]


def test_saving_on_one_rank_only_is_an_error_and_no_hang(start, config, tmp_path):
    path = config(PLAIN, "failures = dict(hang_timeout=20.0)", event(5, "save_alone", 0, 1.0))
    run = start(path, tmp_path / "w", num=2)
    deadline = time.monotonic() + 60
    while "must be called on all ranks" not in run.text(0) and time.monotonic() < deadline:
        time.sleep(0.1)
    run.send(signal.SIGKILL, 1)
    assert "runner.save_checkpoint() must be called on all ranks" in run.wait()[0][1]


def test_two_runs_in_one_work_dir(start, config, train, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(work_dir_lock, "PATIENCE", 0.3)
    run = start(config(PLAIN, event(5, "sleep", 0, 1000)), tmp_path / "w", "--seed", "0")
    while not (tmp_path / "w/.lock").exists() or not (tmp_path / "w/iter_4.pth").exists():
        time.sleep(0.05)
    with pytest.raises(SystemExit) as error:
        train(config(PLAIN, name="other.py"), tmp_path / "w")
    text = capsys.readouterr().err
    assert error.value.code == 1
    assert f"error: work_dir {tmp_path}/w is in use by process {run.pids[0]} on " in text
    assert not (tmp_path / "w/other.py").exists()
    # A lock that outlived its run is no obstacle.
    run.send(signal.SIGKILL)
    run.wait()
    assert (tmp_path / "w/.lock").exists()
    train(config(PLAIN), tmp_path / "w", "--auto-resume")
    assert (tmp_path / "w/iter_12.pth").exists() and not (tmp_path / "w/.lock").exists()


def test_a_folder_that_cannot_be_locked_is_used_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(*args):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(work_dir_lock.fcntl, "lockf", refuse)
    with locked(tmp_path):
        assert "cannot be locked" in caplog.text
    assert os.listdir(tmp_path) == []


def test_a_lock_of_this_process_is_given_back_after_an_error(tmp_path):
    with pytest.raises(ConfigError, match="mine"), locked(tmp_path):
        raise ConfigError("mine")
    assert os.listdir(tmp_path) == []


def test_who_hangs_is_told_from_the_notes():
    def state(notes, beats, at="x"):
        return {"notes": notes, "at": at, "age": 9.0, "who": "host, pid 1", "beats": beats}

    first = {0: state(9, 5, "forward"), 1: state(8, 5, "loading data")}
    second = {0: state(9, 7, "forward"), 1: state(8, 7, "loading data")}
    text = describe(first, second, 60)
    assert text.startswith("rank 1 hangs at 'loading data' (host, pid 1); rank 0 waits at 'forward")
    second[0]["beats"] = 5
    assert describe(first, second, 60).startswith("rank 0 (host, pid 1) gives no sign of life")
    alike = {rank: state(8, 6 + rank, "forward") for rank in (0, 1)}
    later = {rank: state(8, 9 + rank, "forward") for rank in (0, 1)}
    assert describe(alike, later, 60).startswith("rank 0, 1 hangs at 'forward'")


@pytest.fixture
def torchrun(tmp_path):
    """Starts the toy task through our torchrun; returns the process and its output file."""
    started = []

    def run(config, work_dir, *flags):
        script = os.path.join(os.path.dirname(__file__), "toy_run.py")
        command = [sys.executable, "-m", "mmcv.runner.torchrun", "--standalone"]
        command += ["--nproc_per_node", "2", script, config, "--work-dir", str(work_dir)]
        log = open(tmp_path / "torchrun.txt", "w+")  # noqa: SIM115
        env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        process = subprocess.Popen(
            [*command, "--launcher", "pytorch", *flags], env=env, stdout=log, stderr=log
        )
        started.append((process, log))
        return process

    yield run
    for process, log in started:
        process.kill()
        process.wait()
        log.close()


def test_torchrun_hands_signals_on_and_ends_with_the_code_of_the_ranks(torchrun, config, tmp_path):
    slow = "data['train']['delay'] = 0.1\nrunner['max_iters'] = 200"
    process = torchrun(config(PLAIN, slow), tmp_path / "w", "--seed", "0")
    while not (tmp_path / "w/iter_4.pth").exists():
        time.sleep(0.1)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(timeout=300) == 85
    text = (tmp_path / "torchrun.txt").read_text()
    assert "SIGUSR1" in text and "start it again to continue" in text
    assert len(list((tmp_path / "w").glob("iter_*.pth"))) >= 2


def test_torchrun_ends_soon_after_one_rank_was_killed(torchrun, config, tmp_path):
    slow = "data['train']['delay'] = 0.1\nrunner['max_iters'] = 200"
    path = config(PLAIN, slow, event(5, "signal", 1, "SIGKILL"))
    process = torchrun(path, tmp_path / "w", "--seed", "0")
    assert process.wait(timeout=300) not in (0, 85)
    assert "exit code" in (tmp_path / "torchrun.txt").read_text()
