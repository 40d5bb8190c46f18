"""What is wrong with a data set's files, said in one message."""

from __future__ import annotations

import re

import numpy as np


class DataError(ValueError):
    """A sample that cannot be used: the message names the file, what is wrong and the cure.

    Raised in a worker of mmcv.data's loader it reaches the training loop with this message alone.
    """


def check_label_range(seg: np.ndarray, num_classes: int, ignore_index: int, filename: str) -> None:
    """Raises DataError if a label is neither a class nor ignored.

    Args:
        seg: (H, W) integer labels, as the loss will see them.
        num_classes: labels 0 .. num_classes - 1 are classes.
        ignore_index: label of pixels that do not count.
        filename: the label file, for the message.
    """
    wrong = (seg >= num_classes) & (seg != ignore_index)
    if seg.dtype.kind != "u":
        wrong |= (seg < 0) & (seg != ignore_index)
    if not wrong.any():
        return
    values = np.unique(seg[wrong])
    shown = ", ".join(str(v) for v in values[:8]) + (", ..." if len(values) > 8 else "")
    raise DataError(
        f"label file {filename}: {int(wrong.sum())} pixels hold the values {shown}, but with "
        f"{num_classes} classes labels must be 0..{num_classes - 1} or {ignore_index} (ignored). "
        "Check the number of classes, reduce_zero_label, and whether the label files were "
        "converted to class indices"
    )


def check_label_size(
    seg: np.ndarray, img_shape: tuple[int, ...], filename: str, img_filename: str
) -> None:
    """Raises DataError unless the label map has the height and width of its image."""
    if seg.shape[:2] != tuple(img_shape[:2]):
        (h, w), (img_h, img_w) = seg.shape[:2], img_shape[:2]
        raise DataError(
            f"label file {filename} is {w}x{h} pixels, but its image {img_filename} is "
            f"{img_w}x{img_h}: regenerate the label file, or check that ann_dir, img_suffix and "
            "seg_map_suffix pair the right files (EXIF rotation of the image is applied)"
        )


def describe_dead_worker(error: RuntimeError, num_workers: int, batch_size: int | None) -> str:
    """Returns what the death of a worker process means and what to change; "" if it is no such.

    Args:
        error: of torch's loader.
        num_workers: of the loader.
        batch_size: samples per batch of this rank.
    """
    text = str(error)
    found = re.search(r"DataLoader worker \(pid\(?s?\)? ?([\d, ]+)\) (.*)", text)
    if found is None:
        return ""
    pids, fate = found.group(1), found.group(2).splitlines()[0].rstrip(".")
    cure = (
        "most often because the machine ran out of memory: lower data.workers_per_gpu"
        f" ({num_workers}) or data.samples_per_gpu ({batch_size}); to see an error of the data set"
        " itself, set data.workers_per_gpu=0"
    )
    if "Bus error" in text or "shared memory" in text:
        cure = (
            "because /dev/shm is full: enlarge it (docker run --shm-size=16g), or lower"
            f" data.workers_per_gpu ({num_workers})"
        )
    return f"worker process {pids} of the data loader died ({fate}), {cure}"
