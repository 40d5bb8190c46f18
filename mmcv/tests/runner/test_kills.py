"""SIGKILL at random instants: every restart resumes, to the weights of the whole run, bit for bit.

``KILLS=200 pytest -m slow mmcv/tests/runner/test_kills.py`` kills more often.
"""

import mmap
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

pytestmark = [pytest.mark.slow, pytest.mark.processes]

KILLS = int(os.environ.get("KILLS", "50"))
PHASES = ("start", "training", "saving", "writing", "pruning", "evaluating")
LONG = """
model['dropout'] = 0.5
data['train']['size'] = 22
runner['max_iters'] = {length}
checkpoint_config = dict(by_epoch=False, interval=3, max_keep_ckpts=2)
evaluation = dict(interval=6, pre_eval=True, save_best='mIoU')
log_config = dict(interval=5, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
custom_hooks = [dict(type='EMAHook', momentum=0.1)]
"""
DEEPSPEED = """
deepspeed = True
deepspeed_config = dict(zero_optimization=dict(stage=2))
custom_hooks = []
"""


class Killer:
    """Kills a run at a random instant of a phase, which the run tells through shared memory.

    Args:
        file: one byte: the index of the phase.
        seed: of the instants.
    """

    def __init__(self, file, seed):
        file.write_bytes(b"\0" * mmap.PAGESIZE)
        with open(file, "r+b") as handle:
            self.shared = mmap.mmap(handle.fileno(), mmap.PAGESIZE)
        self.random = random.Random(seed)
        self.killed = Counter()

    def kill(self, run, is_done, patience):
        """Waits for a phase and for a random time, and kills all processes of the run.

        Returns:
            Whether it was still running.
        """
        wanted = self.random.randrange(1, len(PHASES))
        # Not always in the first such phase of the process.
        times, seen, last = self.random.randrange(1, 3), 0, 0
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not is_done():
            phase = self.shared[0]
            seen += phase == wanted and last != wanted
            last = phase
            if seen >= times:
                break
        time.sleep(self.random.choice([0.0, 0.0005, 0.002, 0.01]) * self.random.random())
        phase = PHASES[self.shared[0]]
        run.send(signal.SIGKILL)
        codes = {code for code, _ in run.wait()}
        if codes == {0}:
            return False
        assert codes <= {0, 1, -9}, run.text()
        assert codes != {1}, run.text()
        self.killed[phase] += 1
        self.shared[0] = 0
        return True


def state_of(work_dir, is_directory):
    """What the newest checkpoint holds, as far as two runs must agree on it."""
    newest = (work_dir / "latest").resolve() if is_directory else work_dir / "latest.pth"
    files = sorted(p for p in newest.rglob("*.pt")) if is_directory else [newest]
    state = {}
    for file in files:
        content = torch.load(file, weights_only=True)
        for key in ("state_dict", "module", "optimizer", "fragments", "hooks", "rng"):
            if key in content:
                state[file.name if is_directory else "file", key] = content[key]
        state[file.name if is_directory else "file", "iter"] = content.get("meta", {}).get("iter")
    return state


def names(work_dir):
    return {p.name for p in work_dir.iterdir() if ".log" not in p.name}


def kill_often(start, path, tmp_path, num_kills, *, ranks, seed, differences):
    """Runs once without and once with kills, and compares."""
    phases = tmp_path / "phases"
    killer = Killer(phases, seed)
    whole, work_dir = tmp_path / "whole", tmp_path / "w"
    results = start(path, whole, "--seed", "0", num=ranks).wait()
    assert {code for code, _ in results} == {0}, results[0][1]
    number = 0
    while killer.killed.total() < num_kills:
        folder = work_dir.with_name(f"w{number}")
        number += not go_on_once(start, path, folder, killer, phases, ranks)
    folder = work_dir.with_name(f"w{number}")
    for _ in range(2):  # the second time there is nothing left to do
        results = start(path, folder, "--seed", "0", "--auto-resume", num=ranks).wait()
        assert {code for code, _ in results} == {0}, results[0][1]
    for i in range(number + 1):
        finished = work_dir.with_name(f"w{i}")
        is_directory = ranks > 1
        states = state_of(finished, is_directory), state_of(whole, is_directory)
        assert states[0] and differences(*states) == []
        assert names(finished) == names(whole)
    return killer.killed


def go_on_once(start, path, folder, killer, phases, ranks):
    """Starts or continues a run and kills it; returns whether it was killed in time."""
    flags = (path, folder, "--seed", "0", "--auto-resume")
    run = start(*flags, num=ranks, before=["toy_run", "tell_phases", str(phases)])
    output = Path(f"{run.output}.0")
    is_done = lambda: not Path(f"/proc/{run.pids[0]}/maps").read_text()  # noqa: E731  (a zombie)
    was_killed = killer.kill(run, is_done, patience=300.0)
    text = output.read_text(errors="replace")
    if any(folder.glob("iter_*")) and "continuing from" not in text and "toy - INFO" in text:
        # Checkpoints that were there at the start are continued from; the first run makes some.
        assert "no checkpoint in" in text or killer.killed.total() == 0, text
    return was_killed


def test_one_process(start, config, tmp_path, nested_differences):
    path = config(LONG.format(length=36))
    num = max(KILLS * 4 // 5, 1)
    killed = kill_often(start, path, tmp_path, num, ranks=1, seed=1, differences=nested_differences)
    print(f"killed {killed.total()} times: {dict(killed)}")
    assert num < 20 or {"training", "saving", "writing", "evaluating"} <= set(killed)


@pytest.mark.deepspeed
def test_two_ranks_with_deepspeed(start, config, tmp_path, nested_differences):
    path = config(LONG.format(length=36), DEEPSPEED)
    num = max(KILLS // 5, 1)
    killed = kill_often(start, path, tmp_path, num, ranks=2, seed=2, differences=nested_differences)
    print(f"killed {killed.total()} times: {dict(killed)}")
    assert set(killed) != {"start"}
