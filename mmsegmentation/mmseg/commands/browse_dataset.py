"""Training samples as the model sees them: ``tools/browse_dataset.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmcv.config import Config, DictAction
from mmcv.image import imwrite
from mmcv.registry import ConfigError
from mmcv.runner.paths import resolve_paths
from mmcv.runner.user_errors import one_line_errors
from mmseg.commands.legend import overlay, with_legend
from mmseg.datasets import build_dataset

SKIPPED = ("DefaultFormatBundle", "Normalize", "Collect")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/browse_dataset.py``."""
    args = _parse(argv)
    with one_line_errors(verbose=False):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        resolve_paths(cfg)
        section = _without_steps(cfg.data[args.split], args)
        np.random.seed(args.seed)
        dataset = build_dataset(section)
        count = min(len(dataset), args.number)
        for i in tqdm(range(count), unit="img"):
            write_sample(dataset, i, Path(args.output_dir), args.opacity)
    print(f"wrote {count} pictures to {args.output_dir}")


def write_sample(dataset: Any, index: int, folder: Path, opacity: float) -> None:
    """Writes a sample with its labels and their names as ``NAME.jpg``."""
    sample = dataset[index]
    if not isinstance(sample, dict) or "gt_semantic_seg" not in sample:
        raise ConfigError("the pipeline yields no labels: it needs LoadAnnotations")
    labels = np.asarray(sample["gt_semantic_seg"])
    picture = overlay(np.asarray(sample["img"]), labels, dataset.PALETTE, opacity)
    picture = with_legend(picture, labels, dataset.CLASSES, dataset.PALETTE)
    stem = Path(sample["img_info"]["filename"]).with_suffix("")
    imwrite(picture, str(folder / f"{stem}.jpg"))


def _without_steps(section: Any, args: argparse.Namespace) -> Any:
    """Returns the section without steps that make pictures unrecognisable."""
    if isinstance(section, (list, tuple)):
        section = section[0]
    if "pipeline" not in section:
        return {**section, "dataset": _without_steps(section["dataset"], args)}
    steps = section["pipeline"]
    if args.show_origin:
        steps = [step for step in steps if step["type"].startswith("Load")]
    steps = [step for step in steps if step["type"] not in args.skip_type]
    return {**section, "pipeline": steps}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Write the samples of a data set, after their augmentations, as pictures."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("--output-dir", default="browse", help="folder for the pictures")
    parser.add_argument("--number", type=int, default=50, help="how many")
    parser.add_argument("--split", default="train", choices=("train", "val", "test"))
    parser.add_argument("--show-origin", action="store_true", help="without augmentations")
    parser.add_argument(
        "--skip-type", nargs="+", default=list(SKIPPED), help="further steps to leave out"
    )
    parser.add_argument("--opacity", type=float, default=0.5, help="of the labels")
    parser.add_argument("--seed", type=int, default=0, help="of the augmentations")
    parser.add_argument("--not-show", action="store_true", help="of 1.x: windows are never opened")
    parser.add_argument("--show-interval", type=float, default=2, help="of 1.x: has no effect")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    args = parser.parse_args(argv)
    args.skip_type = {*args.skip_type, *SKIPPED}
    return args
