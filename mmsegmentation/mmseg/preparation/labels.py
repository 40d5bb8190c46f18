"""Label maps as published -> label maps whose values are the classes of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmcv.registry import ConfigError
from mmseg.datasets.cityscapes import LABEL_IDS

IGNORED = 255
# Of the 182 classes of COCO-Stuff, from 0, those 11 that no picture has.
COCO_STUFF_UNUSED = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
COCO_STUFF_SIZE = 182


def coco_stuff_table() -> np.ndarray:
    """Returns (256,) uint8: label value of the published files -> class 0..170, or 255."""
    kept = [value for value in range(COCO_STUFF_SIZE) if value not in COCO_STUFF_UNUSED]
    return _table({value: i for i, value in enumerate(kept)})


def cityscapes_table() -> np.ndarray:
    """Returns (256,) uint8: label id of the published files -> class 0..18, or 255."""
    return _table({value: i for i, value in enumerate(LABEL_IDS)})


def _table(classes: dict[int, int]) -> np.ndarray:
    table = np.full(256, IGNORED, np.uint8)
    table[list(classes)] = list(classes.values())
    return table


def renumber(files: Sequence[Path], suffix: str, new_suffix: str, table: np.ndarray) -> int:
    """Writes renumbered copies of label maps beside them, in parallel.

    Args:
        files: label maps.
        suffix: ending of their names.
        new_suffix: ending of the copies'; copies that exist are kept.
        table: (256,) old value -> new value.

    Returns:
        The number of files written.
    """

    def convert(file: Path) -> bool:
        target = file.with_name(file.name.removesuffix(suffix) + new_suffix)
        if target.exists():
            return False
        with Image.open(file) as opened:
            labels = table[np.asarray(opened)]
        write_label(target, labels)
        return True

    return in_parallel(convert, files, "renumber")


def convert_sbd(files: Sequence[Path], folder: Path) -> int:
    """Writes the label maps of SBD (Hariharan et al., 2011), which are ``.mat`` files, as PNG."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ConfigError("SBD's labels are .mat files: pip install scipy") from error

    def convert(file: Path) -> bool:
        target = folder / f"{file.stem}.png"
        if target.exists():
            return False
        content = loadmat(str(file), mat_dtype=True, squeeze_me=True, struct_as_record=False)
        write_label(target, content["GTcls"].Segmentation.astype(np.uint8))
        return True

    folder.mkdir(parents=True, exist_ok=True)
    return in_parallel(convert, files, "SBD")


def write_label(target: Path, labels: np.ndarray) -> None:
    """Writes a label map (H, W) uint8; an interruption leaves no half of it."""
    beside = target.with_name(f".{target.stem}.tmp.png")
    Image.fromarray(labels).save(beside)
    beside.replace(target)


def in_parallel(function: Callable[[Path], bool], files: Sequence[Path], what: str) -> int:
    """Returns how many of the calls returned True."""
    with ThreadPoolExecutor() as pool:
        return sum(tqdm(pool.map(function, files), total=len(files), desc=what, unit="file"))
