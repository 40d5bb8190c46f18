"""Which classes are taken for which: ``tools/confusion_matrix.py``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmcv.config import Config, DictAction
from mmcv.fileio import load
from mmcv.registry import ConfigError
from mmcv.runner.paths import resolve_paths
from mmcv.runner.user_errors import one_line_errors
from mmseg.datasets import build_dataset
from mmseg.datasets.label_values import reduce_zero

CELL_LIMIT = 40  # classes up to which cells get their numbers


def confusion_matrix(
    predictions: Iterable[np.ndarray], labels: Iterable[np.ndarray], num_classes: int, ignore: int
) -> np.ndarray:
    """Counts pixels.

    Args:
        predictions: (H, W) classes.
        labels: (H, W) classes.
        num_classes: K.
        ignore: label that is not counted.

    Returns:
        (K, K) int64; rows are labels, columns predictions.
    """
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for pred, label in zip(predictions, labels, strict=True):
        counted = (label != ignore) & (label < num_classes)
        pairs = label[counted].astype(np.int64) * num_classes + pred[counted]
        matrix += np.bincount(pairs, minlength=num_classes**2).reshape(matrix.shape)
    return matrix


def most_confused(matrix: np.ndarray, names: Sequence[str], count: int = 10) -> list[str]:
    """Returns lines "label -> prediction", by the share of the label's pixels."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None)[:count]
    pairs = [divmod(int(i), len(names)) for i in order]
    return [
        f"{shares[row, col]:7.1%}  {names[row]} -> {names[col]}"
        for row, col in pairs
        if shares[row, col] > 0
    ]


def draw(matrix: np.ndarray, names: Sequence[str], out: Path, title: str, colours: str) -> None:
    """Writes a picture of the matrix; rows are in percent of their labels."""
    from matplotlib.figure import Figure  # needs no display

    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(6.0, 0.3 * len(names))
    figure = Figure(figsize=(side + 2, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(percent, cmap=colours, vmin=0, vmax=100)
    figure.colorbar(image, label="% of the label's pixels")
    axes.set_xticks(range(len(names)), labels=list(names), rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), labels=list(names), fontsize=7)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    axes.set_title(title)
    if len(names) <= CELL_LIMIT:
        for row, col in zip(*np.nonzero(percent >= 1), strict=True):
            axes.text(col, row, f"{percent[row, col]:.0f}", ha="center", va="center", fontsize=6)
    figure.savefig(out, dpi=120)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/confusion_matrix.py``."""
    args = _parse(argv)
    with one_line_errors(verbose=False):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        resolve_paths(cfg)
        dataset = build_dataset(cfg.data.test, {"test_mode": True})
        predictions = _read(args.prediction_path, len(dataset))
        matrix = confusion_matrix(
            predictions, _labels(dataset), len(dataset.CLASSES), dataset.ignore_index
        )
    folder = Path(args.save_dir)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "confusion_matrix.npy", matrix)
    draw(matrix, dataset.CLASSES, folder / "confusion_matrix.png", args.title, args.color_theme)
    print("most confused, of the pixels of a label:")
    print("\n".join(most_confused(matrix, dataset.CLASSES)) or "nothing")
    print(f"wrote {folder}/confusion_matrix.png and .npy")


def _read(path: str, count: int) -> list[np.ndarray]:
    results: Any = load(path)
    if not (isinstance(results, list) and all(isinstance(r, np.ndarray) for r in results)):
        raise ConfigError(
            f"{path}: holds no label maps; write them with tools/test.py CONFIG CHECKPOINT --out"
            f" {path} (without --eval, which keeps counts only)"
        )
    if len(results) != count:
        raise ConfigError(f"{path}: has {len(results)} predictions for {count} images")
    return results


def _labels(dataset: Any) -> Iterable[np.ndarray]:
    loads_reduced = dataset.gt_seg_map_loader.reduce_zero_label
    for label in dataset.get_gt_seg_maps():
        reduces = dataset.reduce_zero_label and not loads_reduced
        yield reduce_zero(label) if reduces else label


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw the confusion matrix of predictions.")
    parser.add_argument("config", help="config file; its data.test has the labels")
    parser.add_argument("prediction_path", help="what tools/test.py --out wrote")
    parser.add_argument("save_dir", help="folder for confusion_matrix.png and .npy")
    parser.add_argument("--color-theme", default="viridis", help="colour map of matplotlib")
    parser.add_argument("--title", default="Confusion matrix", help="of the picture")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    return parser.parse_args(argv)
