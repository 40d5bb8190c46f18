"""Pictures of label maps: colours over the image, and a legend of the classes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

ROW = 22  # pixels
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
INK, PAPER = (30, 30, 30), 255


def overlay(
    img: np.ndarray, labels: np.ndarray, palette: Any, opacity: float = 0.5, ignore: int = 255
) -> np.ndarray:
    """Lays the colours of classes over an image.

    Args:
        img: (H, W, 3) uint8 BGR.
        labels: (H, W) classes.
        palette: RGB colours, one per class.
        opacity: of the colours, 0 to 1.
        ignore: label of pixels that stay as they are.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    colours = np.asarray(palette, np.uint8)[:, ::-1]
    is_class = (labels >= 0) & (labels < len(colours)) & (labels != ignore)
    painted = img.copy()
    painted[is_class] = colours[labels[is_class]]
    return cv2.addWeighted(img, 1 - opacity, painted, opacity, 0.0)


def with_legend(
    picture: np.ndarray, labels: np.ndarray, classes: Sequence[str], palette: Any
) -> np.ndarray:
    """Puts the classes of a label map, by their area, to the right of a picture.

    Args:
        picture: (H, W, 3) uint8 BGR.
        labels: (H, W) classes.
        classes: names.
        palette: RGB colours.

    Returns:
        (H, W + w, 3); rows that do not fit are summed up in the last one.
    """
    counts = np.bincount(labels[labels < len(classes)].ravel(), minlength=len(classes))
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    rows = max(1, (picture.shape[0] - 6) // ROW)
    shown = order if len(order) <= rows else order[: rows - 1]
    texts = [f"{classes[i]} {_percent(counts[i] / labels.size)}" for i in shown]
    if len(shown) < len(order):
        texts.append(f"and {len(order) - len(shown)} more")
    width = 34 + max((cv2.getTextSize(t, FONT, FONT_SIZE, 1)[0][0] for t in texts), default=0)
    panel = np.full((picture.shape[0], width, 3), PAPER, np.uint8)
    for row, text in enumerate(texts):
        top = 3 + row * ROW
        if row < len(shown):
            colour = [int(value) for value in np.asarray(palette)[shown[row]][::-1]]
            cv2.rectangle(panel, (6, top + 4), (20, top + 18), colour, -1)
        cv2.putText(panel, text, (28, top + 16), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)
    return np.concatenate([picture, panel], axis=1)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"


def contact_sheet(pictures: Sequence[np.ndarray], columns: int = 4, width: int = 320) -> np.ndarray:
    """Puts pictures (H, W, 3) into a grid, each ``width`` wide."""
    small = [
        cv2.resize(p, (width, max(1, round(p.shape[0] * width / p.shape[1])))) for p in pictures
    ]
    height = max(p.shape[0] for p in small)
    cells = [np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0))) for p in small]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows)
