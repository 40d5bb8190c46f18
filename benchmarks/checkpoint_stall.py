"""How long training stands still per checkpoint: written in the background / written at once.

    python benchmarks/checkpoint_stall.py [--megabytes 400] [--rounds 5]

Both sides save the same run (a linear model with AdamW, weights and optimizer state) through
``runner.save_checkpoint``, in turn, to the same disk; the goal is a ratio of at most 0.10.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.runner import IterBasedRunner

WIDTH = 1024


class Model(nn.Module):
    """A chain of linear layers of about the size asked for."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        # Weights and two moments in fp32: 12 bytes for each parameter.
        depth = max(megabytes * 10**6 // (12 * WIDTH * WIDTH), 1)
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(depth))

    def train_step(self, data: Tensor, optimizer: Any) -> dict[str, Any]:
        """Returns the loss of a batch."""
        for layer in self.layers:
            data = torch.relu(layer(data))
        loss = data.square().mean()
        return {"loss": loss, "log_vars": {"loss": loss.detach()}, "num_samples": len(data)}


def main() -> None:
    """Prints the seconds of both sides and their ratio."""
    parser = argparse.ArgumentParser(description="Measures the stall of a checkpoint.")
    parser.add_argument("--megabytes", type=int, default=400, help="size of a checkpoint")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--folder", help="on the disk to measure; a temporary one by default")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=args.folder))
    try:
        measure(args, folder)
    finally:
        shutil.rmtree(folder)


def measure(args: argparse.Namespace, folder: Path) -> None:
    """Saves in turn in both ways, after one save of each to warm up."""
    torch.manual_seed(0)
    model = Model(args.megabytes).to(args.device)
    optimizer = torch.optim.AdamW(model.parameters())
    runner = IterBasedRunner(model, optimizer=optimizer, work_dir=folder, max_iters=1)
    batch = torch.randn(8, WIDTH, device=args.device)

    def step() -> None:
        runner.strategy.update(runner.strategy.forward(batch)["loss"])
        if args.device == "cuda":
            torch.cuda.synchronize()

    stalls: dict[str, list[float]] = {"at once": [], "in the background": []}
    written: list[float] = []
    for _ in range(args.rounds + 1):
        step()
        os.sync()
        stalls["at once"].append(seconds(lambda: runner.save_checkpoint(folder, "a.pth")))
        step()
        os.sync()
        begun = time.perf_counter()
        save = lambda: runner.save_checkpoint(folder, "b.pth", then=lambda: None)  # noqa: E731
        stalls["in the background"].append(seconds(save))
        runner.strategy.finish_saving()
        written.append(time.perf_counter() - begun)
    size = (folder / "a.pth").stat().st_size / 1e6
    print(f"torch {torch.__version__}, python {platform.python_version()}, {args.device}")
    print(f"checkpoint of {size:.0f} MB, median of {args.rounds}:")
    medians = {name: statistics.median(times[1:]) for name, times in stalls.items()}
    for name, median in medians.items():
        print(f"  written {name:18} training stands still {median:.3f} s")
    print(f"  the background needs {statistics.median(written[1:]):.3f} s for it")
    print(f"ratio {medians['in the background'] / medians['at once']:.3f} (goal: at most 0.10)")


def seconds(function: Any) -> float:
    """Returns how long a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
