"""A trained model on one's own pictures: ``tools/predict.py``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from mmcv.config import Config, DictAction
from mmcv.image import imread, imwrite
from mmcv.registry import ConfigError
from mmcv.runner.user_errors import one_line_errors
from mmseg.apis.inference import inference_segmentor, init_segmentor
from mmseg.commands.legend import overlay, with_legend

logger = logging.getLogger(__name__)

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")


class Source(NamedTuple):
    """An image or video, and the name that results get: its place below the folder given."""

    path: Path
    name: Path


def find_sources(inputs: Sequence[str | Path]) -> list[Source]:
    """Returns all images and videos of files and folders.

    Raises:
        ConfigError: a file does not exist or is of another kind, or a folder has none.
    """
    sources = []
    for entry in map(Path, inputs):
        if entry.is_dir():
            found = [p for p in sorted(entry.rglob("*")) if p.suffix.lower() in IMAGES + VIDEOS]
            if not found:
                raise ConfigError(f"{entry}: has no images ({', '.join(IMAGES)}) and no videos")
            sources += [Source(p, p.relative_to(entry).with_suffix("")) for p in found]
        elif not entry.is_file():
            raise ConfigError(f"{entry}: no such file or folder")
        elif entry.suffix.lower() not in IMAGES + VIDEOS:
            raise ConfigError(f"{entry}: is neither an image nor a video ({', '.join(VIDEOS)})")
        else:
            sources.append(Source(entry, Path(entry.stem)))
    return sources


class Writer:
    """Writes label maps and overlays.

    Args:
        out: folder; gets ``masks/NAME.png`` and ``overlays/NAME.jpg``.
        classes: names.
        palette: RGB colours.
        masks: write label maps.
        overlays: write overlays.
        opacity: of their colours.
    """

    def __init__(
        self,
        out: Path,
        classes: Sequence[str],
        palette: Any,
        *,
        masks: bool = True,
        overlays: bool = True,
        opacity: float = 0.5,
    ) -> None:
        self.out = out
        self.classes, self.palette = classes, palette
        self.masks, self.overlays, self.opacity = masks, overlays, opacity

    def image(self, img: np.ndarray, labels: np.ndarray, name: Path) -> None:
        """Writes the results of an image."""
        self.mask(labels, name)
        if self.overlays:
            imwrite(self.draw(img, labels), str(self.out / "overlays" / f"{name}.jpg"))

    def mask(self, labels: np.ndarray, name: Path) -> None:
        """Writes a label map: pixel value = class, 16 bits where 8 are too few."""
        if self.masks:
            dtype = np.uint8 if len(self.classes) <= 255 else np.uint16
            imwrite(labels.astype(dtype), str(self.out / "masks" / f"{name}.png"))

    def draw(self, img: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Returns the overlay with its legend."""
        picture = overlay(img, labels, self.palette, self.opacity)
        return with_legend(picture, labels, self.classes, self.palette)


def predict_video(model: Any, source: Source, writer: Writer) -> int:
    """Writes a video of overlays, and one label map per frame; returns the number of frames."""
    capture = cv2.VideoCapture(str(source.path))
    fps = capture.get(cv2.CAP_PROP_FPS) or 25.0
    film: Any = None
    count = 0
    try:
        for count, frame in enumerate(_frames(capture, source.path), 1):
            labels = inference_segmentor(model, frame)[0]
            writer.mask(labels, source.name / f"{count:06d}")
            if not writer.overlays:
                continue
            # A legend would change the width from frame to frame.
            picture = overlay(frame, labels, writer.palette, writer.opacity)
            if film is None:
                file = writer.out / "overlays" / f"{source.name}.mp4"
                file.parent.mkdir(parents=True, exist_ok=True)
                fourcc = cv2.VideoWriter.fourcc(*"mp4v")
                film = cv2.VideoWriter(str(file), fourcc, fps, picture.shape[1::-1])
            film.write(picture)
    finally:
        capture.release()
        if film is not None:
            film.release()
    if not count:
        raise ConfigError(f"{source.path}: no frame of this video could be read")
    return count


def _frames(capture: Any, path: Path) -> Iterator[np.ndarray]:
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) or None
    with tqdm(total=total, desc=path.name, unit="frame", leave=False) as bar:
        while True:
            is_read, frame = capture.read()
            if not is_read:
                return
            yield frame
            bar.update()


def predict(model: Any, sources: Sequence[Source], writer: Writer) -> list[str]:
    """Writes the results of all sources; returns what went wrong, file by file."""
    problems = []
    for source in tqdm(sources, unit="file"):
        try:
            if source.path.suffix.lower() in VIDEOS:
                predict_video(model, source, writer)
                continue
            img = imread(str(source.path))
            if img is None:
                raise ConfigError(f"{source.path}: not a readable image")
        except (ConfigError, OSError, ValueError) as error:
            problems.append(str(error))
            continue
        writer.image(img, inference_segmentor(model, img)[0], source.name)
    return problems


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/predict.py``."""
    args = _parse(argv)
    with one_line_errors(verbose=args.verbose):
        sources = find_sources(args.inputs)
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        model = init_segmentor(cfg, args.checkpoint, args.device)
        classes, palette = _classes_of(model)
        writer = Writer(
            Path(args.out),
            classes,
            palette,
            masks=not args.no_masks,
            overlays=not args.no_overlays,
            opacity=args.opacity,
        )
        problems = predict(model, sources, writer)
    print(f"{len(sources) - len(problems)} of {len(sources)} files written to {args.out}")
    if problems:
        raise SystemExit("\n".join(f"error: {problem}" for problem in problems))


def _classes_of(model: Any) -> tuple[list[str], np.ndarray]:
    """Returns names and colours; numbers and fixed random colours where a model has none."""
    count = int(model.num_classes)
    names = list(model.CLASSES or [f"class {i}" for i in range(count)])
    palette = model.PALETTE
    if palette is None:
        palette = np.random.default_rng(0).integers(0, 255, (len(names), 3))
    return names, np.asarray(palette)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Segment images, folders of images and videos: OUT/masks has one PNG each"
        " whose pixel values are the classes, OUT/overlays the colours over the image."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file or directory")
    parser.add_argument("inputs", nargs="+", help="images, folders (with all below), videos")
    parser.add_argument("--out", default="predictions", help="folder for the results")
    parser.add_argument("--opacity", type=float, default=0.5, help="of colours in overlays")
    parser.add_argument("--no-masks", action="store_true", help="overlays only")
    parser.add_argument("--no-overlays", action="store_true", help="label maps only")
    parser.add_argument("--device", default="cuda:0", help="where to run; the CPU without a GPU")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    parser.add_argument("--verbose", action="store_true", help="tracebacks of errors")
    args = parser.parse_args(argv)
    if not 0 <= args.opacity <= 1:
        parser.error(f"--opacity must be in [0, 1], but is {args.opacity}")
    if args.no_masks and args.no_overlays:
        parser.error("--no-masks and --no-overlays leave nothing to write")
    return args
