"""Colours of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.visualization import color_val
from mmdet.evaluation.label_sets import CITYSCAPES, COCO, VOC

PALETTES = {"coco": COCO.palette, "citys": CITYSCAPES.palette, "voc": VOC.palette}


def get_palette(palette: Any, num_classes: int) -> list[tuple[int, ...]]:
    """Returns one RGB colour per class.

    Args:
        palette: a list of colours; one colour for all; "coco", "voc" or "citys"; the name of a
            colour; None or "random": always the same random ones.
        num_classes: how many are needed.
    """
    if isinstance(palette, (list, np.ndarray)):
        colours = [tuple(colour) for colour in palette]
    elif isinstance(palette, tuple):
        colours = [palette] * num_classes
    elif palette is None or palette == "random":
        drawn = np.random.RandomState(42).randint(0, 256, size=(num_classes, 3))
        colours = [tuple(colour) for colour in drawn.tolist()]
    elif palette in PALETTES:
        colours = list(PALETTES[palette])
    elif isinstance(palette, str):
        colours = [color_val(palette)[::-1]] * num_classes
    else:
        raise TypeError(f"Invalid type for palette: {type(palette)}")
    require(
        len(colours) >= num_classes, "The length of palette should not be less than `num_classes`."
    )
    return colours


def palette_val(palette: list[tuple[int, ...]]) -> list[tuple[float, ...]]:
    """Returns colours in 0..1, as matplotlib has them."""
    return [tuple(value / 255 for value in colour) for colour in palette]
