"""Data, training with DeepSpeed in two processes, evaluation and pictures in a few minutes.

Every step is the command a user would type; it is printed before it runs. Without a GPU the
processes talk over gloo, with GPUs over nccl.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from dataset import write

ROOT = Path(__file__).resolve().parent.parent
TASK = ROOT / "mmsegmentation"
CONFIG = TASK / "configs/demo/upernet_intern_vit_tiny_112_demo_ade.py"
BASELINE = TASK / "configs/demo/upernet_frozen_random_112_demo_ade.py"
DATA = TASK / "data/demo_ade/ADEChallengeData2016"
PASS_MARK = 0.60


def main() -> None:
    """Runs the demo and fails if its figures are not what the README promises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work-dir", type=Path, default=TASK / "work_dirs/demo")
    parser.add_argument(
        "--gpus", type=int, default=2, help="processes; with GPUs at most one per GPU (default 2)"
    )
    parser.add_argument("--iters", type=int, default=None, help="default: what the config says")
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="also train with the backbone kept random, for comparison: twice the time",
    )
    args = parser.parse_args()
    args.gpus = min(args.gpus, torch.cuda.device_count() or args.gpus)
    start = time.time()
    print(f"data: {DATA}")
    write(DATA)
    print("\ntraining all of the model")
    full = train(args, "full", CONFIG)
    print("\ntools/test.py on the checkpoint")
    tested = test(full)
    print("\npictures")
    pictures = draw(full)
    frozen = None
    if args.baseline:
        print("\nthe same training with the backbone kept random")
        frozen = train(args, "frozen_random", BASELINE)
    report(full, frozen, tested, pictures, seconds=time.time() - start)


def train(args: argparse.Namespace, name: str, config: Path) -> Path:
    """Trains through tools/dist_train.sh and returns the work folder."""
    work_dir = args.work_dir / name
    options = ["--cfg-options", f"runner.max_iters={args.iters}"] if args.iters else []
    call(
        TASK / "tools/dist_train.sh",
        config,
        args.gpus,
        "--work-dir",
        work_dir,
        "--seed",
        0,
        *options,
    )
    return work_dir


def test(work_dir: Path) -> float:
    """Evaluates the newest checkpoint through tools/test.py and returns its mIoU."""
    call(
        sys.executable,
        TASK / "tools/test.py",
        work_dir / CONFIG.name,
        work_dir / "latest",
        "--eval",
        "mIoU",
        "--work-dir",
        work_dir,
        "--show-dir",
        work_dir / "overlays",
    )
    newest = max(work_dir.glob("eval_single_scale_*.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())["metric"]["mIoU"]


def call(*words: Any) -> None:
    """Prints and runs a command; its failure ends the demo."""
    command = [str(word) for word in words]
    print("$", " ".join(command), flush=True)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    code = subprocess.call(command, env=environment)
    if code:
        sys.exit(f"error: the command above ended with exit code {code}")


def read_log(work_dir: Path) -> list[dict[str, Any]]:
    """Reads the records of the newest .log.json."""
    newest = max(work_dir.glob("*.log.json"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for line in newest.read_text().splitlines()]


def last_miou(work_dir: Path) -> float:
    """Returns the last mIoU of the training log."""
    return [r["mIoU"] for r in read_log(work_dir) if r.get("mode") == "val"][-1]


def draw(work_dir: Path) -> list[Path]:
    """Draws curves and a contact sheet; returns their paths."""
    from pictures import contact_sheet, curves

    return [
        curves(read_log(work_dir), work_dir / "curves.png"),
        contact_sheet(work_dir, DATA, work_dir / "contact_sheet.png"),
    ]


def report(
    full: Path, frozen: Path | None, tested: float, pictures: list[Path], *, seconds: float
) -> None:
    """Prints the figures, where things lie and what to do next."""
    trained = last_miou(full)
    print(f"\ndone in {seconds / 60:.1f} minutes")
    print(
        f"  mIoU, all of the model trained       {trained:.4f}   (last evaluation of the training)"
    )
    if frozen is not None:
        print(f"  mIoU, the same, random backbone kept {last_miou(frozen):.4f}")
    difference = f"(difference {tested - trained:+.1e})"
    print(f"  mIoU, tools/test.py                  {tested:.4f}   {difference}")
    print(
        f"  pictures    {pictures[1]}\n              {pictures[0]}\n              {full}/overlays/"
    )
    print(f"  checkpoints {full}/latest")
    print(f"  tensorboard --logdir {full}/tf_logs")
    print("next: put ADE20K under mmsegmentation/data/ade and the weights under pretrained/, then")
    print(
        "  cd mmsegmentation && tools/dist_train.sh configs/intern_vit_6b/linear_probing/*ade*.py 8"
    )
    if abs(tested - trained) > 1e-6:
        sys.exit("error: tools/test.py does not reproduce the mIoU of the training")
    if trained < PASS_MARK:
        sys.exit(f"error: mIoU is below {PASS_MARK}")


if __name__ == "__main__":
    main()
