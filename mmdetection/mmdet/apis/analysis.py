"""What ``tools/analysis_tools`` do with the pickled results of ``tools/test.py --out``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmcv.config import Config, DictAction
from mmcv.fileio import load
from mmcv.image import imread
from mmcv.registry import ConfigError
from mmcv.runner.paths import resolve_paths
from mmcv.runner.user_errors import one_line_errors
from mmcv.utils.table import text_table
from mmdet.datasets import build_dataset
from mmdet.evaluation.coco_errors import error_curves
from mmdet.evaluation.per_image import confusion_matrix, image_ap
from mmdet.visualization import imshow_gt_det_bboxes


def analyze_results_main(argv: Sequence[str] | None = None) -> None:
    """Draws the best and the worst images, and writes the confusion of the classes.

    Args:
        argv: without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(description="Best and worst images, confusion of classes.")
    parser.add_argument("config", help="config file")
    parser.add_argument("prediction_path", help="pickle file of tools/test.py --out")
    parser.add_argument("show_dir", help="folder for pictures and tables")
    parser.add_argument("--topk", type=int, default=20, help="number of best and of worst images")
    parser.add_argument("--show", action="store_true", help="show pictures in a window")
    parser.add_argument("--wait-time", type=float, default=0, help="seconds per window")
    parser.add_argument("--show-score-thr", type=float, default=0.0, help="lowest score drawn")
    parser.add_argument("--overlay-gt-pred", action="store_true", help="one picture, not two")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes to the config")
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=args.verbose):
        dataset, results = read(args)
        annotations = [dataset.get_ann_info(i) for i in range(len(dataset))]
        scores = np.array([image_ap(r, a) for r, a in zip(results, annotations, strict=True)])
        best, worst = np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")
        for name, order in (("good", best), ("bad", worst)):
            for i in order[: args.topk]:
                _draw(dataset, results[i], annotations[i], int(i), float(scores[i]), name, args)
        matrix = confusion_matrix(
            results, annotations, len(dataset.CLASSES), score_thr=args.show_score_thr
        )
        write_confusion(matrix, dataset.CLASSES, Path(args.show_dir) / "confusion_matrix.txt")


def read(args: argparse.Namespace) -> tuple[Any, list[Any]]:
    """Returns the data set of ``data.test`` and the results of the flags' pickle file."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    resolve_paths(cfg)
    dataset = build_dataset(cfg.data.test, {"test_mode": True})
    results = load(args.prediction_path)
    if len(results) != len(dataset):
        raise ConfigError(f"{len(results)} results for {len(dataset)} images of data.test")
    return dataset, results


def _draw(
    dataset: Any,
    result: Any,
    annotation: dict[str, Any],
    index: int,
    score: float,
    folder: str,
    args: argparse.Namespace,
) -> None:
    name = dataset.data_infos[index]["filename"]
    stem, suffix = Path(name).stem, Path(name).suffix
    out_file = Path(args.show_dir) / folder / f"{stem}_{score:.3f}{suffix}"
    imshow_gt_det_bboxes(
        imread(Path(dataset.img_prefix or "") / name),
        {"gt_bboxes": annotation["bboxes"], "gt_labels": annotation["labels"]},
        result,
        class_names=dataset.CLASSES,
        score_thr=args.show_score_thr,
        show=args.show,
        wait_time=args.wait_time,
        out_file=str(out_file),
        overlay_gt_pred=args.overlay_gt_pred,
    )


def write_confusion(matrix: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """Writes a confusion matrix as a table with one row per true class."""
    names = [*classes, "background"]
    columns: dict[str, list[Any]] = {"true \\ detected": names}
    for j, name in enumerate(names):
        columns[name] = [int(value) for value in matrix[:, j]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_table(columns) + "\n")


def coco_errors_main(argv: Sequence[str] | None = None) -> None:
    """Writes how much AP each kind of error costs.

    Args:
        argv: without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(description="How much AP each kind of error costs (COCO).")
    parser.add_argument("result", help="json file of tools/test.py --format-only")
    parser.add_argument("out_dir", help="folder for the table")
    parser.add_argument("--ann", default="data/coco/annotations/instances_val2017.json")
    parser.add_argument("--types", nargs="+", default=["bbox"], choices=["bbox", "segm"])
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=args.verbose):
        for kind in args.types:
            found = json.loads(Path(args.result).read_text())
            table = text_table(error_curves(args.ann, found, kind))
            folder = Path(args.out_dir) / kind
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "errors.txt").write_text(table + "\n")
            sys.stdout.write(f"{kind}\n{table}\n")
