"""A user's choice of classes: how labels are renumbered and which colours remain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmcv.fileio import list_from_file
from mmcv.registry import ConfigError, did_you_mean

DROPPED = -1


class Selection(NamedTuple):
    """Names, RGB colours, and the renumbering of labels (None: labels stay as they are)."""

    classes: Sequence[str]
    palette: Any
    label_map: dict[int, int] | None


def select_classes(
    known: Sequence[str] | None, known_palette: Any, classes: Any, palette: Any
) -> Selection:
    """Applies the keys ``classes`` and ``palette`` of a data set's config.

    Args:
        known: the data set's own class names, if it has any.
        known_palette: their colours.
        classes: the names wanted: a list, or a file that has one per line.
        palette: their colours; None: the data set's own, else random ones.

    Raises:
        ConfigError: a name is unknown, or there is not one colour per class.
    """
    if isinstance(classes, str):
        classes = list_from_file(classes)
    elif not isinstance(classes, (list, tuple)):
        raise ValueError(f"Unsupported type {type(classes)} of classes.")
    label_map = map_labels(known, classes) if known else None
    if palette is None and known_palette is not None:
        palette = _sub_palette(known_palette, label_map) if label_map else known_palette
    if palette is None:
        palette = _random_palette(len(classes))
    if len(palette) != len(classes):
        raise ConfigError(f"palette has {len(palette)} colours for {len(classes)} classes")
    return Selection(classes, palette, label_map)


def map_labels(known: Sequence[str], chosen: Sequence[str]) -> dict[int, int]:
    """Returns old label -> new label; classes that are not chosen become -1.

    Raises:
        ConfigError: a chosen class is not known.
    """
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ConfigError(
            f"classes is not a subset of CLASSES: {unknown[0]!r} is no class of the data set"
            f"{did_you_mean(unknown[0], known)}"
        )
    new_of_name = {name: new for new, name in enumerate(chosen)}
    return {old: new_of_name.get(name, DROPPED) for old, name in enumerate(known)}


def _sub_palette(palette: Any, label_map: Mapping[int, int]) -> Any:
    """Returns the colours of the chosen classes in their new order, in the palette's own type."""
    kept = sorted((new, old) for old, new in label_map.items() if new != DROPPED)
    return type(palette)([palette[old] for _, old in kept])


def _random_palette(num_classes: int) -> np.ndarray:
    """Returns (num_classes, 3) RGB colours that are the same in every run."""
    return np.random.RandomState(42).randint(0, 255, size=(num_classes, 3))
