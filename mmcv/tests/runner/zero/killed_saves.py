"""Saves checkpoints in a child process and kills it, again and again: killed_saves.py FOLDER."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch

from mmcv.runner.zero import directory
from mmcv.runner.zero.directory import MODEL_FILE

ATTEMPTS = 10


def save_forever(folder: Path) -> None:
    torch.set_num_threads(1)  # OpenMP's threads do not survive the fork.
    for i in range(1, 100_000):
        content = {"module": {"w": torch.full((200_000,), float(i))}, "meta": {}}
        writers = {f"global_step{i}/{MODEL_FILE}": directory.save_tensors(content)}
        directory.write_directory(folder / f"iter_{i}", writers, {"world_size": 1})


def main() -> None:
    for attempt in range(ATTEMPTS):
        folder = Path(sys.argv[1]) / str(attempt)
        folder.mkdir()
        pid = os.fork()
        if pid == 0:
            save_forever(folder)
        while not (folder / "iter_1").exists():
            time.sleep(0.0005)
        time.sleep(0.003 * attempt)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
