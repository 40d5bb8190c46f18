"""What is wrong with a data set's files, said in one message."""

from __future__ import annotations

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
