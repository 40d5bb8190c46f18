"""Detection in a few minutes: data, Mask R-CNN with DeepSpeed in two processes, AP, pictures.

Every step is the command a user would type; it is printed before it runs. Without a GPU the
processes talk over gloo, with GPUs over nccl.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from det_dataset import write
from det_pictures import contact_sheet, curves
from run import ROOT, call, read_log

TASK = ROOT / "mmdetection"
CONFIG = TASK / "configs/demo/mask_rcnn_intern_vit_tiny_fpn_demo_coco.py"
DATA = TASK / "data/demo_coco"
PASS_MARKS = {"bbox_mAP_50": 0.60, "segm_mAP_50": 0.50}
METRICS = ("bbox_mAP", "bbox_mAP_50", "segm_mAP", "segm_mAP_50")


def main() -> None:
    """Runs the demo and fails if its figures are not what the README promises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work-dir", type=Path, default=TASK / "work_dirs/demo")
    parser.add_argument(
        "--gpus", type=int, default=2, help="processes; with GPUs at most one per GPU (default 2)"
    )
    parser.add_argument("--epochs", type=int, default=None, help="default: what the config says")
    args = parser.parse_args()
    gpus = min(args.gpus, torch.cuda.device_count() or args.gpus)
    start = time.time()
    print(f"1/4 data: {DATA}")
    write(DATA)
    print("\n2/4 training")
    epochs = ["--cfg-options", f"runner.max_epochs={args.epochs}"] if args.epochs else []
    seed = ["--seed", 0, *epochs]
    call(TASK / "tools/dist_train.sh", CONFIG, gpus, "--work-dir", args.work_dir, *seed)
    print("\n3/4 tools/test.py on the checkpoint")
    tested = test(args.work_dir)
    print("\n4/4 pictures")
    records = read_log(args.work_dir)
    pictures = [
        curves(records, args.work_dir / "curves.png"),
        contact_sheet(args.work_dir, DATA, args.work_dir / "contact_sheet.png"),
    ]
    trained = [record for record in records if record.get("mode") == "val"][-1]
    report(args.work_dir, trained, tested, pictures, seconds=time.time() - start)


def test(work_dir: Path) -> dict[str, float]:
    """Evaluates the newest checkpoint through tools/test.py and returns its metrics."""
    config, checkpoint = work_dir / CONFIG.name, work_dir / "latest"
    outputs = [
        "--eval",
        "bbox",
        "segm",
        "--work-dir",
        work_dir,
        "--show-dir",
        work_dir / "overlays",
    ]
    tool = TASK / "tools/test.py"
    call(sys.executable, tool, config, checkpoint, "--eval", "bbox", "segm", *outputs)
    newest = max(work_dir.glob("eval_2*.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())["metric"]


def report(
    work_dir: Path,
    trained: dict[str, float],
    tested: dict[str, float],
    pictures: list[Path],
    seconds: float,
) -> None:
    """Prints the figures, where things lie and what to do next."""
    print(f"\ndone in {seconds / 60:.1f} minutes")
    print("                last evaluation of the training   tools/test.py")
    for name in METRICS:
        print(f"  {name:<14}{trained[name]:>32.3f}{tested[name]:>16.3f}")
    shown = "\n              ".join(map(str, [*pictures, work_dir / "overlays"]))
    print(f"  pictures    {shown}")
    print(f"  checkpoints {work_dir / 'latest'}")
    print("next: put COCO under mmdetection/data/coco and the weights under pretrained/, then")
    print("  cd mmdetection && tools/dist_train.sh configs/intern_vit_6b/head_tuning/*bf16*.py 8")
    wrong = [name for name in METRICS if tested[name] != trained[name]]
    if wrong:
        sys.exit(f"error: tools/test.py does not reproduce {wrong[0]} of the training")
    for name, mark in PASS_MARKS.items():
        if trained[name] < mark:
            sys.exit(f"error: {name} is below {mark}")


if __name__ == "__main__":
    main()
