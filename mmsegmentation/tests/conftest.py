"""Fixtures of the segmentation tests."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image


def write_tiny_ade(
    root: Path,
    num_train: int = 4,
    num_val: int = 3,
    size: tuple[int, int] = (48, 64),
    num_classes: int = 150,
) -> Path:
    """Writes real JPEG and PNG files in the layout of ADE20K.

    Each image has rectangles of a few classes, in the colour of the class; labels are
    1..num_classes, and 0 along the upper edge. Returns ``root``.
    """
    rng = np.random.default_rng(0)
    for part, count in (("training", num_train), ("validation", num_val)):
        images, labels = root / "images" / part, root / "annotations" / part
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(count):
            label = np.full(size, rng.integers(1, num_classes + 1), np.uint8)
            for _ in range(4):
                y, x = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8)
                height, width = rng.integers(8, 32, 2)
                label[y : y + height, x : x + width] = rng.integers(1, num_classes + 1)
            label[:2] = 0
            colours = np.stack([label * np.uint8(37), label * np.uint8(91), label], axis=-1)
            noise = rng.integers(-9, 10, (*size, 3))
            img = np.clip(colours + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(images / f"ADE_{part}_{i:08d}.jpg"), img)
            Image.fromarray(label).save(labels / f"ADE_{part}_{i:08d}.png")
    return root


@pytest.fixture
def make_ade(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a tiny data set in ADE20K's layout; see write_tiny_ade."""

    def make(name: str = "ade", **options: object) -> Path:
        return write_tiny_ade(tmp_path / name, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def tiny_ade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in ADE20K's layout (4 training images, 3 of validation) that tests only read."""
    return write_tiny_ade(tmp_path_factory.mktemp("data") / "ade")
