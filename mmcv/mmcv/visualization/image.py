"""Drawing boxes into images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmcv.image import imread, imwrite
from mmcv.image.checks import require
from mmcv.visualization.color import color_val


def imshow(img: np.ndarray | str | Path, win_name: str = "", wait_time: int = 0) -> None:
    """Shows an image in a window until a key is pressed or the window is closed.

    Args:
        img: image or path.
        win_name: title.
        wait_time: milliseconds to wait; 0: for a key.
    """
    array = imread(img)
    try:
        cv2.imshow(win_name, array)
    except cv2.error:
        raise RuntimeError(
            "this OpenCV cannot open windows: give out_file=... to write the picture, or install "
            "opencv-python in place of opencv-python-headless"
        ) from None
    if wait_time > 0:
        cv2.waitKey(wait_time)
        return
    while cv2.waitKey(1) == -1 and cv2.getWindowProperty(win_name, cv2.WND_PROP_VISIBLE) > 0:
        pass


def imshow_bboxes(
    img: np.ndarray | str | Path,
    bboxes: np.ndarray | list[np.ndarray],
    colors: Any = "green",
    top_k: int = -1,
    thickness: int = 1,
    show: bool = True,
    win_name: str = "",
    wait_time: int = 0,
    out_file: str | Path | None = None,
) -> np.ndarray:
    """Draws boxes.

    Args:
        img: image or path; an array that is contiguous is drawn into.
        bboxes: (n, 4) x1 y1 x2 y2 in pixels, or a list of such.
        colors: one colour, or one per array of boxes.
        top_k: draw only the first so many of each array; -1: all.
        thickness: of the lines.
        show: open a window.
        win_name: its title.
        wait_time: see imshow.
        out_file: where to write the picture.

    Returns:
        The picture.
    """
    canvas = np.ascontiguousarray(imread(img))
    groups = [bboxes] if isinstance(bboxes, np.ndarray) else bboxes
    group_colors = colors if isinstance(colors, list) else [colors] * len(groups)
    require(
        len(groups) == len(group_colors),
        f"there are {len(group_colors)} colors for {len(groups)} arrays of boxes",
    )
    for group, color in zip(groups, group_colors, strict=True):
        for box in group if top_k <= 0 else group[:top_k]:
            _draw_box(canvas, box, color, thickness)
    return _deliver(canvas, show, win_name, wait_time, out_file)


def imshow_det_bboxes(
    img: np.ndarray | str | Path,
    bboxes: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
    score_thr: float = 0,
    bbox_color: Any = "green",
    text_color: Any = "green",
    thickness: int = 1,
    font_scale: float = 0.5,
    show: bool = True,
    win_name: str = "",
    wait_time: int = 0,
    out_file: str | Path | None = None,
) -> np.ndarray:
    """Draws boxes with their classes and scores.

    Args:
        img: image or path; an array that is contiguous is drawn into.
        bboxes: (n, 4) x1 y1 x2 y2 in pixels, or (n, 5) with scores.
        labels: (n,) classes.
        class_names: None: "cls 3".
        score_thr: draw only boxes of a higher score.
        bbox_color: of the boxes.
        text_color: of the text.
        thickness: of the lines.
        font_scale: of the text.
        show: open a window.
        win_name: its title.
        wait_time: see imshow.
        out_file: where to write the picture.

    Returns:
        The picture.
    """
    require(
        bboxes.ndim == 2 and bboxes.shape[1] in (4, 5) and labels.shape == bboxes.shape[:1],
        f"bboxes must be (n, 4) or (n, 5) and labels (n,), but got {bboxes.shape}, {labels.shape}",
    )
    if score_thr > 0:
        require(bboxes.shape[1] == 5, "score_thr needs boxes with scores, (n, 5)")
        kept = bboxes[:, -1] > score_thr
        bboxes, labels = bboxes[kept], labels[kept]
    canvas = np.ascontiguousarray(imread(img))
    for box, label in zip(bboxes, labels, strict=True):
        x1, y1 = _draw_box(canvas, box, bbox_color, thickness)
        text: str = f"cls {label}" if class_names is None else class_names[int(label)]
        if len(box) > 4:
            text += f"|{box[-1]:.02f}"
        font = cv2.FONT_HERSHEY_COMPLEX
        cv2.putText(canvas, text, (x1, y1 - 2), font, font_scale, color_val(text_color))
    return _deliver(canvas, show, win_name, wait_time, out_file)


def _draw_box(canvas: np.ndarray, box: np.ndarray, color: Any, thickness: int) -> tuple[int, int]:
    """Draws one box; returns its top left corner."""
    x1, y1, x2, y2 = (int(value) for value in box[:4])
    cv2.rectangle(canvas, (x1, y1), (x2, y2), color_val(color), thickness=thickness)
    return x1, y1


def _deliver(
    canvas: np.ndarray, show: bool, win_name: str, wait_time: int, out_file: str | Path | None
) -> np.ndarray:
    if show:
        imshow(canvas, win_name, wait_time)
    if out_file is not None:
        imwrite(canvas, out_file)
    return canvas
