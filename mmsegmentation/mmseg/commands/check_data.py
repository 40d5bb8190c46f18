"""Every file of a data set, read once before a GPU is: ``tools/check_data.py``."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmcv.config import Config, DictAction
from mmcv.image import imread, imwrite
from mmcv.registry import ConfigError
from mmcv.runner.paths import resolve_paths
from mmcv.runner.user_errors import one_line_errors
from mmseg.commands.legend import contact_sheet, overlay
from mmseg.datasets import build_dataset
from mmseg.datasets.label_values import reduce_zero

IGNORED = 255
SHOWN = 5  # examples of each problem
SPLITS = ("train", "val", "test")


@dataclass
class Report:
    """What was found in one split.

    Attributes:
        name: of the split.
        pixels: (K,) of each class.
        images: (K,) images that have the class.
        ignored: pixels that count for nothing.
        total: pixels.
        problems: kind -> file names.
        digests: of the images -> file name.
        values: raw label value -> pixels.
    """

    name: str
    num_classes: int
    pixels: np.ndarray = field(init=False)
    images: np.ndarray = field(init=False)
    ignored: int = 0
    total: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    values: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.pixels = np.zeros(self.num_classes, np.int64)
        self.images = np.zeros(self.num_classes, np.int64)

    def problem(self, kind: str, file: str) -> None:
        """Notes a problem of a file."""
        self.problems.setdefault(kind, []).append(file)


@dataclass
class _File:
    """What one sample was like."""

    name: str
    problems: list[str]
    digest: str | None = None
    values: np.ndarray | None = None  # (256,) pixels by raw label value


def check_split(name: str, dataset: Any, reduces: bool, workers: int) -> Report:
    """Reads all images and labels of a split.

    Args:
        name: of the split.
        dataset: a CustomDataset.
        reduces: label value 0 is no class, the others are one too high.
        workers: threads.
    """
    report = Report(name, len(dataset.CLASSES))
    with ThreadPoolExecutor(workers) as pool:
        files = pool.map(lambda i: _read(dataset, i), range(len(dataset)))
        for file in tqdm(files, total=len(dataset), desc=name, unit="img"):
            _add(report, file, reduces)
    _judge_reduction(report, reduces)
    return report


def _read(dataset: Any, index: int) -> _File:
    info = dataset.img_infos[index]
    image = Path(dataset.img_dir) / info["filename"]
    label = Path(dataset.ann_dir or "") / info.get("ann", {}).get("seg_map", "")
    file = _File(info["filename"], [])
    size = None
    try:
        file.digest = hashlib.sha256(image.read_bytes()).hexdigest()
        size = imread(str(image)).shape[:2]
    except (OSError, ValueError, AttributeError) as error:
        file.problems.append(f"image cannot be read ({_short(error)})")
    try:
        with Image.open(label) as opened:
            raw = np.asarray(opened)
    except (OSError, ValueError) as error:
        file.problems.append(f"label cannot be read ({_short(error)})")
        return file
    if raw.ndim != 2:
        file.problems.append(f"label has {raw.shape[2]} channels, it must have one: class numbers")
        return file
    if size is not None and raw.shape != tuple(size):
        file.problems.append("label and image differ in size")
    if raw.max(initial=0) > IGNORED:
        file.problems.append("label values above 255")
        return file
    file.values = np.bincount(raw.ravel().astype(np.int64), minlength=256)
    return file


def _short(error: BaseException) -> str:
    return type(error).__name__


def _add(report: Report, file: _File, reduces: bool) -> None:
    for kind in file.problems:
        report.problem(kind, file.name)
    if file.digest is not None:
        if file.digest in report.digests:
            report.problem("the same image twice", f"{report.digests[file.digest]} = {file.name}")
        report.digests[file.digest] = file.name
    if file.values is None:
        return
    present = np.nonzero(file.values)[0]
    classes = reduce_zero(present.astype(np.uint8)) if reduces else present.astype(np.uint8)
    for raw, label in zip(present, classes, strict=True):
        count = int(file.values[raw])
        report.values[int(raw)] += count
        report.total += count
        if label == IGNORED:
            report.ignored += count
        elif label < report.num_classes:
            report.pixels[label] += count
            report.images[label] += 1
        else:
            kind = f"label value {raw}, but there are only {report.num_classes} classes"
            report.problem(kind, file.name)


def _judge_reduction(report: Report, reduces: bool) -> None:
    """Compares the values that occur with what ``reduce_zero_label`` makes of them."""
    count, highest = report.num_classes, max((v for v in report.values if v != IGNORED), default=0)
    if not reduces and highest == count and report.total:
        report.problem(
            f"labels go up to {count}, one too far: reduce_zero_label=True is missing, if 0 means"
            " 'no class'",
            f"{report.values[0] / report.total:.0%} of the pixels are 0",
        )
    if reduces and highest < count and report.values[0] > 0.2 * report.total:
        report.problem(
            f"reduce_zero_label=True ignores value 0, but no label reaches {count}: is 0 a class?",
            f"{report.values[0] / report.total:.0%} of the pixels are 0",
        )


def between_splits(reports: Sequence[Report]) -> list[str]:
    """Returns the images that are in several splits."""
    lines = []
    for i, one in enumerate(reports):
        for other in reports[i + 1 :]:
            common = one.digests.keys() & other.digests.keys()
            lines += [
                f"{one.name}/{one.digests[d]} = {other.name}/{other.digests[d]}"
                for d in sorted(common)
            ]
    return lines


def render(report: Report, classes: Sequence[str]) -> str:
    """Returns a split's report as text."""
    lines = [f"== {report.name}: {len(report.digests)} images, {report.total:,} labelled pixels"]
    lines.append(f"{'class':<34}{'pixels':>9}{'images':>9}")
    for i, name in enumerate(classes):
        share = report.pixels[i] / max(report.total, 1)
        note = "" if report.images[i] else "   never"
        lines.append(f"{i:>3} {name:<30}{share:>9.2%}{report.images[i]:>9}{note}")
    lines.append(f"{'ignored':<34}{report.ignored / max(report.total, 1):>9.2%}")
    for kind, files in report.problems.items():
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        lines.append(f"PROBLEM {kind}: {', '.join(files[:SHOWN])}{more}")
    return "\n".join(lines)


def write_sheet(dataset: Any, reduces: bool, out: Path, number: int) -> None:
    """Writes some images with their labels, spread over the data set."""
    indices = [int(i) for i in np.linspace(0, len(dataset) - 1, min(number, len(dataset)))]
    pictures = list(_pictures(dataset, indices, reduces))
    if pictures:
        imwrite(contact_sheet(pictures), str(out))


def _pictures(dataset: Any, indices: Sequence[int], reduces: bool) -> Iterator[np.ndarray]:
    for i in indices:
        info = dataset.img_infos[i]
        try:
            img = imread(os.path.join(dataset.img_dir, info["filename"]))
            with Image.open(os.path.join(dataset.ann_dir, info["ann"]["seg_map"])) as opened:
                labels = np.asarray(opened)
        except (OSError, ValueError):
            continue
        if labels.shape == img.shape[:2]:
            labels = reduce_zero(labels.astype(np.uint8)) if reduces else labels
            yield overlay(img, labels, dataset.PALETTE, 0.6)


def _parts(dataset: Any) -> list[Any]:
    """Returns the data sets inside wrappers."""
    if hasattr(dataset, "datasets"):
        return [part for inner in dataset.datasets for part in _parts(inner)]
    return _parts(dataset.dataset) if hasattr(dataset, "dataset") else [dataset]


def _reduces(dataset: Any, section: Any) -> bool:
    steps = section.get("pipeline", []) if isinstance(section, dict) else []
    flags = [s.get("reduce_zero_label") for s in steps if s.get("type") == "LoadAnnotations"]
    return bool(dataset.reduce_zero_label or any(flags))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/check_data.py``."""
    args = _parse(argv)
    reports: list[Report] = []
    with one_line_errors(verbose=False):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        resolve_paths(cfg)
        sections = {name: cfg.data[name] for name in SPLITS if cfg.get("data", {}).get(name)}
        if not sections:
            raise ConfigError("data has neither train nor val nor test")
        seen: list[Any] = []
        for name, section in sections.items():
            folders = (section.get("img_dir"), section.get("ann_dir"), section.get("split"))
            if isinstance(section, dict) and folders in seen:
                continue  # val and test are mostly the same
            seen.append(folders)
            for dataset in _parts(build_dataset(section)):
                if dataset.CLASSES is None:
                    raise ConfigError(f"data.{name}: has no classes: set classes=[...]")
                reduces = _reduces(dataset, section)
                report = check_split(name, dataset, reduces, args.workers)
                reports.append(report)
                print(render(report, dataset.CLASSES))
                if args.out:
                    write_sheet(dataset, reduces, Path(args.out) / f"{name}.jpg", args.number)
    twice = between_splits(reports)
    for line in twice[:SHOWN]:
        print(f"PROBLEM the same image in two splits: {line}")
    count = sum(len(files) for report in reports for files in report.problems.values())
    if count or twice:
        raise SystemExit(f"error: {count + len(twice)} problems")
    print("no problems")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Read every image and label of a config once: broken files, sizes, label"
        " values, class histogram, images in two splits. Exits with 1 if there are problems."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("--out", help="folder for contact sheets, one picture per split")
    parser.add_argument("--number", type=int, default=16, help="of images on a contact sheet")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 4, help="threads")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    return parser.parse_args(argv)
