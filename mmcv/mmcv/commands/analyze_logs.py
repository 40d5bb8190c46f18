"""Curves of one or several runs as a picture: ``tools/analyze_logs.py``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmcv.registry import ConfigError, did_you_mean
from mmcv.runner.user_errors import one_line_errors

# Entries of a line that are no curves.
POSITION = ("mode", "epoch", "iter", "step")
Curve = list[tuple[float, float]]


def read_curves(file: str | Path) -> dict[str, Curve]:
    """Reads a ``.log.json``.

    Args:
        file: of a run, or the work dir, whose newest one is taken.

    Returns:
        For each key its (iteration, value) pairs, training and evaluation together.

    Raises:
        ConfigError: there is no such file, or no line of it is a record.
    """
    path = Path(file)
    if path.is_dir():
        found = sorted(path.glob("*.log.json"))
        if not found:
            raise ConfigError(f"{path}: has no *.log.json")
        path = found[-1]
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    curves: dict[str, Curve] = {}
    last = 0.0  # Records of evaluations may count their own images.
    for line in path.read_text(encoding="utf-8").splitlines():
        record = _parse(line)
        if "mode" not in record:
            continue
        if record["mode"] == "train":
            last = float(record.get("iter", last))
        for key, value in record.items():
            if key not in POSITION and isinstance(value, (int, float)):
                curves.setdefault(key, []).append((last or float(record.get("iter", 0)), value))
    if not curves:
        raise ConfigError(f"{path}: has no records of training or evaluation")
    return curves


def _parse(line: str) -> Mapping[str, Any]:
    """Returns a record; {} for a line that a crash has cut off."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def summary(curves: Mapping[str, Curve]) -> str:
    """Returns a table of keys: points, first, last, lowest and highest value."""
    lines = [f"{'key':<28}{'points':>7}{'first':>12}{'last':>12}{'lowest':>12}{'highest':>12}"]
    for key, curve in curves.items():
        values = [value for _, value in curve]
        numbers = (values[0], values[-1], min(values), max(values))
        lines.append(f"{key:<28}{len(values):>7}" + "".join(f"{n:>12.5g}" for n in numbers))
    return "\n".join(lines)


def plot(
    runs: Sequence[Mapping[str, Curve]],
    labels: Sequence[str],
    keys: Sequence[str],
    out: str | Path,
    *,
    title: str | None = None,
    smooth: int = 1,
) -> None:
    """Draws one panel per key, with a curve for each run that has it.

    Args:
        runs: from ``read_curves``.
        labels: one per run.
        keys: such as ``loss`` and ``mIoU``.
        out: picture to write.
        title: above all.
        smooth: average over so many points.

    Raises:
        ConfigError: no run has one of the keys.
    """
    from matplotlib.figure import Figure  # needs no display

    known = {key: None for run in runs for key in run}
    for key in keys:
        if key not in known:
            raise ConfigError(
                f"--keys {key}: not in the logs{did_you_mean(key, known)} (there are:"
                f" {', '.join(known)})"
            )
    figure = Figure(figsize=(7 * len(keys), 5), layout="constrained")
    for i, key in enumerate(keys):
        axes = figure.add_subplot(1, len(keys), i + 1)
        for run, label in zip(runs, labels, strict=True):
            if key in run:
                x, y = zip(*_smoothed(run[key], smooth), strict=True)
                axes.plot(x, y, label=label, marker="." if len(x) < 50 else None)
        axes.set_xlabel("iteration")
        axes.set_title(key)
        axes.grid(alpha=0.3)
        axes.legend()
    if title:
        figure.suptitle(title)
    figure.savefig(out, dpi=120)


def _smoothed(curve: Curve, width: int) -> Curve:
    values = [value for _, value in curve]
    means = [sum(p := values[max(0, i - width + 1) : i + 1]) / len(p) for i in range(len(values))]
    return [(x, mean) for (x, _), mean in zip(curve, means, strict=True)]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/analyze_logs.py``."""
    parser = argparse.ArgumentParser(description="Draw curves of runs from their .log.json files.")
    parser.add_argument("json_logs", nargs="+", help="*.log.json files or work dirs")
    parser.add_argument("--keys", nargs="+", help="curves to draw; without it a table of all keys")
    parser.add_argument("--legend", nargs="+", help="names of the runs, one each")
    parser.add_argument("--title", help="of the picture")
    parser.add_argument("--smooth", type=int, default=1, help="average over so many points")
    parser.add_argument("--out", default="curves.png", help="picture to write")
    args = parser.parse_args(argv)
    if args.legend and len(args.legend) != len(args.json_logs):
        parser.error(f"--legend has {len(args.legend)} names for {len(args.json_logs)} logs")
    with one_line_errors(verbose=False):
        runs = [read_curves(file) for file in args.json_logs]
        if not args.keys:
            for file, run in zip(args.json_logs, runs, strict=True):
                print(f"{file}\n{summary(run)}\n")
            return
        labels = args.legend or [_label(file) for file in args.json_logs]
        plot(runs, labels, args.keys, args.out, title=args.title, smooth=max(args.smooth, 1))
        print(f"wrote {args.out}")


def _label(file: str) -> str:
    path = Path(file)
    return path.name if path.is_dir() else path.parent.name or path.name
