"""What ``tools/misc/browse_dataset.py`` does: pictures of samples as the model will see them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmcv.config import Config, DictAction
from mmcv.runner.paths import resolve_paths
from mmcv.runner.user_errors import one_line_errors
from mmdet.boxes import mask2ndarray
from mmdet.datasets import build_dataset
from mmdet.visualization import imshow_det_bboxes

# Steps after which an image can no longer be looked at.
SKIPPED = ("DefaultFormatBundle", "Normalize", "Collect")


def browse_main(argv: Sequence[str] | None = None) -> None:
    """Draws the training samples of a config.

    Args:
        argv: without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(description="Draws training samples with their annotations.")
    parser.add_argument("config", help="config file")
    parser.add_argument("--skip-type", nargs="+", default=list(SKIPPED), help="steps left out")
    parser.add_argument("--output-dir", help="folder for the pictures")
    parser.add_argument("--not-show", action="store_true", help="open no windows")
    parser.add_argument("--show-interval", type=float, default=2, help="seconds per window")
    parser.add_argument("--number", type=int, help="of samples; all by default")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes to the config")
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=args.verbose):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        resolve_paths(cfg)
        _skip_steps(cfg.data.train, args.skip_type)
        dataset = build_dataset(cfg.data.train)
        for i in range(min(args.number or len(dataset), len(dataset))):
            draw(dataset, dataset[i], args)


def draw(dataset: Any, sample: dict[str, Any], args: argparse.Namespace) -> None:
    """Draws one sample into a window and a file, as the flags say."""
    masks = sample.get("gt_masks")
    name = Path(str(sample.get("filename"))).name
    out_file = None if args.output_dir is None else str(Path(args.output_dir) / name)
    palette = dataset.PALETTE or "random"
    imshow_det_bboxes(
        sample["img"],
        sample["gt_bboxes"],
        sample["gt_labels"],
        mask2ndarray(masks) if masks is not None and len(masks) else None,
        class_names=dataset.CLASSES,
        bbox_color=palette,
        text_color=(200, 200, 200),
        mask_color=palette,
        show=not args.not_show,
        wait_time=args.show_interval,
        out_file=out_file,
    )


def _skip_steps(section: Any, types: Sequence[str]) -> None:
    """Takes steps out of the pipelines of a data set and of those that it wraps."""
    if isinstance(section, (list, tuple)):
        for part in section:
            _skip_steps(part, types)
        return
    if "pipeline" in section:
        section.pipeline = [step for step in section.pipeline if step["type"] not in types]
    for key in ("dataset", "datasets"):
        if key in section:
            _skip_steps(section[key], types)
