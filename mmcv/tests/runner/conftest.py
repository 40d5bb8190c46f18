"""A toy task that goes through the whole launch, in this process or in several."""

import contextlib
import importlib.util
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

TOY_RUN = Path(__file__).with_name("toy_run.py")

CONFIG = """
model = dict(type='ToyModel')
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=0,
    train=dict(type='ToyDataset', size=10),
    val=dict(type='ToyDataset', size=5))
optimizer = dict(type='AdamW', lr=0.01, weight_decay=0.05)
optimizer_config = dict()
lr_config = dict(
    policy='poly', warmup='linear', warmup_iters=3, warmup_ratio=1e-6, power=1.0, min_lr=0.0,
    by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=12)
checkpoint_config = dict(by_epoch=False, interval=4, max_keep_ckpts=2)
evaluation = dict(interval=4, metric='mIoU', pre_eval=True, save_best='auto')
log_config = dict(interval=2, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
dist_params = dict(backend='nccl')
log_level = 'INFO'
load_from = None
resume_from = None
workflow = [('train', 1)]
cudnn_benchmark = True
"""


@pytest.fixture(scope="session")
def toy():
    """The module toy_run.py."""
    spec = importlib.util.spec_from_file_location("toy_run", TOY_RUN)
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_run"] = module  # loader workers pickle its classes
    spec.loader.exec_module(module)
    return module


def write_config(folder, *changes, name="toy.py"):
    path = folder / name
    path.write_text(CONFIG + "\n".join(changes) + "\n")
    return str(path)


@pytest.fixture
def config(tmp_path):
    """Writes the toy config with changes; returns its path."""
    return lambda *changes, **kwargs: write_config(tmp_path, *changes, **kwargs)


@pytest.fixture(scope="session")
def train(toy):
    """Runs a config in this process; the run's log files are closed afterwards."""

    def run(config, work_dir, *flags):
        try:
            toy.train_main(toy.TASK, [str(config), "--work-dir", str(work_dir), *flags])
        finally:
            close_logs()
            if torch.distributed.is_initialized():  # of one process, for DeepSpeed
                torch.distributed.destroy_process_group()

    return run


@pytest.fixture(scope="session")
def train_whole(train, tmp_path_factory):
    """Runs the toy config with changes and seed 0 from beginning to end; returns the work dir."""

    def run(*changes):
        folder = tmp_path_factory.mktemp("whole")
        train(write_config(folder, *changes), folder / "w", "--seed", "0")
        return folder / "w"

    return run


def close_logs():
    from mmcv.utils.logging import logger_initialized

    for name in list(logger_initialized):
        log = logging.getLogger(name)
        for handler in list(log.handlers):
            log.removeHandler(handler)
            handler.close()
        log.setLevel(logging.NOTSET)
    logger_initialized.clear()


@pytest.fixture
def train_processes():
    """Runs a config in several processes, as torchrun would start them; returns their results."""

    def run(config, work_dir, *flags, num=2, timeout=300, script=TOY_RUN):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        launcher = ["--launcher", "pytorch"] if num > 1 else []
        command = [sys.executable, str(script), str(config), "--work-dir", str(work_dir)]
        processes = []
        for rank in range(num):
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(num)}
            env = {**os.environ, **ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            env |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
            if num == 1:
                env = {key: value for key, value in env.items() if key not in ranks}
            processes.append(
                subprocess.Popen(
                    [*command, *launcher, *flags],
                    env=env,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        results = []
        for process in processes:
            out, err = process.communicate(timeout=timeout)
            results.append((process.returncode, out + err))
        return results

    return run


class Forked:
    """Ranks of one run that a fork server started."""

    def __init__(self, server, pids, output):
        self.server, self.pids, self.output = server, pids, output

    def send(self, number, rank=None):
        """Sends a signal to one rank, or to all processes of the run."""
        with contextlib.suppress(ProcessLookupError):
            if rank is None:
                os.killpg(self.pids[0], number)
            else:
                os.kill(self.pids[rank], number)

    def text(self, rank=0):
        return Path(f"{self.output}.{rank}").read_text()

    def wait(self):
        """Returns exit code and output of every rank."""
        codes = self.server.ask({"wait": self.pids})
        return [(code, self.text(rank)) for rank, code in enumerate(codes)]


class ForkServer:
    """The other end of fork_server.py."""

    def __init__(self):
        command = [sys.executable, str(TOY_RUN.with_name("fork_server.py"))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, output, *args, num=1, before=None):
        """Starts a run; its output goes to files whose names begin with ``output``."""
        command = {"args": [str(a) for a in args], "num": num, "output": str(output)}
        return Forked(self, self.ask({**command, "before": before}), output)


@pytest.fixture(scope="session")
def fork_server():
    """Starts runs quickly, in processes of their own."""
    server = ForkServer()
    yield server
    server.process.stdin.close()
    server.process.wait()
    server.process.stdout.close()


@pytest.fixture
def start(fork_server, tmp_path):
    """Starts a config in a work dir; whatever still runs at the end of the test is killed."""
    started = []

    def run(config, work_dir, *flags, num=1, before=None):
        if "deepspeed = True" in Path(config).read_text():
            fork_server.ask({"import": "deepspeed"})
        args = (config, "--work-dir", work_dir, *flags)
        output = tmp_path / f"output{len(started)}"
        started.append(fork_server.start(output, *args, num=num, before=before))
        return started[-1]

    yield run
    for forked in started:
        forked.send(signal.SIGKILL)


def read(path):
    """A checkpoint without what differs between equal runs: times and paths."""
    checkpoint = torch.load(path, weights_only=True)
    meta = checkpoint["meta"]
    for key in ("time", "config", "exp_name", "env_info"):
        meta.pop(key, None)
    messages = meta.get("hook_msgs", {})
    meta["hook_msgs"] = {k: os.path.basename(str(v)) for k, v in messages.items()}
    for history in checkpoint["log_buffer"].values():
        for key in ("time", "data_time"):
            history.pop(key, None)
    return checkpoint


def differences(a, b, path=""):
    """Names what differs between two nested values, bit for bit."""
    if isinstance(a, torch.Tensor):
        return [] if isinstance(b, torch.Tensor) and torch.equal(a, b) else [path]
    if isinstance(a, dict):
        if not isinstance(b, dict) or a.keys() != b.keys():
            return [f"{path}: keys"]
        return [d for key in a for d in differences(a[key], b[key], f"{path}.{key}")]
    if isinstance(a, (list, tuple)):
        if len(a) != len(b):
            return [f"{path}: length"]
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in differences(x, y, f"{path}[{i}]")]
    return [] if a == b else [f"{path}: {a} != {b}"]


@pytest.fixture(scope="session")
def checkpoint_differences():
    """Names what differs between two checkpoints, except times and folders."""
    return lambda a, b: differences(read(a), read(b))


@pytest.fixture(scope="session")
def nested_differences():
    """Names what differs between two nested values, bit for bit."""
    return differences
