"""The starters: what they run, with stand-ins for python and srun that print their arguments."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def call(tmp_path):
    """Runs a script from an unrelated folder; returns the process and the words it started."""
    echo = tmp_path / "echo_arguments"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$(basename "$0")" "$@"\n')
    echo.chmod(0o755)
    (tmp_path / "srun").symlink_to(echo)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(script, *arguments, **variables):
        path = f"{tmp_path}:{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHON": str(echo), **variables}
        process = subprocess.run(
            [TOOLS / script, *arguments],
            env=environment,
            cwd=elsewhere,
            capture_output=True,
            text=True,
        )
        return process, process.stdout.splitlines()

    return run


def test_dist_train_starts_torchrun_on_a_free_port(call):
    _, words = call("dist_train.sh", "my config.py", "2", "--work-dir", "a b")
    train = str(TOOLS / "train.py")
    assert words[1:4] == ["-m", "mmcv.runner.torchrun", "--standalone"]
    assert words[4:6] == ["--nproc_per_node", "2"]
    assert words[6:] == [train, "my config.py", "--launcher", "pytorch", "--work-dir", "a b"]


def test_dist_test_passes_the_checkpoint_and_the_addresses_of_several_nodes(call):
    variables = {"NNODES": "2", "NODE_RANK": "1", "MASTER_ADDR": "host", "PORT": "29501"}
    _, words = call("dist_test.sh", "c.py", "w.pth", "8", "--eval", "mIoU", **variables)
    options = dict(zip(words[3:13:2], words[4:13:2], strict=True))
    assert options == {
        "--nnodes": "2",
        "--node_rank": "1",
        "--master_addr": "host",
        "--master_port": "29501",
        "--nproc_per_node": "8",
    }
    test = str(TOOLS / "test.py")
    assert words[13:] == [test, "c.py", "w.pth", "--launcher", "pytorch", "--eval", "mIoU"]


def test_a_given_port_is_used(call):
    _, words = call("dist_train.sh", "c.py", "1", PORT="4711")
    assert words[words.index("--master_port") + 1] == "4711"


def test_slurm_train_asks_for_one_task_per_gpu(call):
    variables = {"GPUS": "16", "CPUS_PER_TASK": "3", "SRUN_ARGS": "--quotatype=auto -x node1"}
    _, words = call("slurm_train.sh", "part", "job", "c.py", "--seed", "1", **variables)
    assert words[:9] == [
        "srun",
        "-p",
        "part",
        "--job-name=job",
        "--gres=gpu:8",
        "--ntasks=16",
        "--ntasks-per-node=8",
        "--cpus-per-task=3",
        "--kill-on-bad-exit=1",
    ]
    assert words[9:12] == ["--quotatype=auto", "-x", "node1"]
    train = str(TOOLS / "train.py")
    assert words[13:] == ["-u", train, "c.py", "--launcher=slurm", "--seed", "1"]


def test_slurm_test_takes_four_gpus_by_default(call):
    _, words = call("slurm_test.sh", "part", "job", "c.py", "w.pth", "--eval", "mIoU")
    assert {"--gres=gpu:4", "--ntasks=4", "--ntasks-per-node=4"} <= set(words)
    test = str(TOOLS / "test.py")
    assert words[-6:] == [test, "c.py", "w.pth", "--launcher=slurm", "--eval", "mIoU"]


@pytest.mark.parametrize(
    "script", ["dist_train.sh", "dist_test.sh", "slurm_train.sh", "slurm_test.sh"]
)
def test_too_few_arguments_print_the_usage(call, script):
    process, words = call(script, "c.py")
    assert (process.returncode, words) == (2, [])
    assert process.stderr.startswith("usage:") and "PYTHON" in process.stderr
