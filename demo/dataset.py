"""Draws a small segmentation data set in ADE20K's own layout and numbering.

Thirteen ADE20K classes stand for thirteen textures. Colours are random, so that a class is told by
its texture and not by its colour; shapes overlap, pixels are noisy, a few blobs are unlabelled.

    ROOT/images/{training,validation}/ADE_{train,val}_00000001.jpg
    ROOT/annotations/{training,validation}/ADE_{train,val}_00000001.png

Labels are 0 where unlabelled and 1 to 150 elsewhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

Rng = np.random.Generator
# A texture maps pixel coordinates (x, y) to brightness in [0, 1].
Texture = Callable[[np.ndarray, np.ndarray, Rng], np.ndarray]

UNLABELLED = 0
SPLITS = {"training": ("train", 400), "validation": ("val", 80)}


def _wave(phase: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.sign(np.sin(phase))


def _period(rng: Rng) -> float:
    return 2 * np.pi / rng.uniform(6.5, 8.0)


def _gradient(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return (y - y.min()) / (np.ptp(y) + 1) * rng.uniform(0.3, 0.9)


def _noise(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return rng.random(x.shape)


def _ripples(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(y * _period(rng) + 1.5 * np.sin(x * 0.12))


def _bricks(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    row = y // 8
    return ((y % 8 > 1) & ((x + 8 * (row % 2)) % 16 > 1)).astype(float)


def _windows(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return 0.8 * ((x % 10 > 4) & (y % 12 > 4))


def _vertical(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return _wave(x * _period(rng))


def _horizontal(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return _wave(y * _period(rng))


def _diagonal(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return _wave((x + y) * 0.7 * _period(rng))


def _checker(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return (x // 5 + y // 5) % 2


def _rings(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return _wave(np.hypot(x - x.mean(), y - y.mean()) * _period(rng))


def _dots(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    return (np.hypot(x % 9 - 4, y % 9 - 4) < 2.6).astype(float)


def _shaded(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    distance = np.hypot(x - x.mean(), y - y.mean())
    return 1 - distance / (distance.max() + 1)


def _blobs(x: np.ndarray, y: np.ndarray, rng: Rng) -> np.ndarray:
    grain = cv2.GaussianBlur(rng.random(x.shape), (0, 0), 1.6)
    return (grain > np.median(grain)).astype(float)


# ADE20K's class numbers (1..150): what stands behind, and what stands in front of it.
BACKGROUNDS: dict[int, Texture] = {3: _gradient, 10: _noise, 22: _ripples, 1: _bricks}
OBJECTS: dict[int, Texture] = {
    2: _windows,
    5: _blobs,
    19: _vertical,
    23: _dots,
    29: _checker,
    37: _rings,
    54: _horizontal,
    120: _shaded,
    150: _diagonal,
}


def draw(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene.

    Returns:
        image: (H, W, 3) uint8 BGR; the short side has 112 pixels, the long one up to 196.
        label: (H, W) uint8 of ADE20K class numbers, 0 where unlabelled.
    """
    height, width = rng.permutation([112, rng.integers(112, 197)]).tolist()
    image = np.zeros((height, width, 3))
    label = np.zeros((height, width), np.uint8)
    y = np.broadcast_to(np.arange(height)[:, None], label.shape)
    horizon = int(height * rng.uniform(0.3, 0.7))
    upper, lower = rng.permutation(list(BACKGROUNDS))[:2]
    for number, region in ((upper, y < horizon), (lower, y >= horizon)):
        _paint(image, label, region, int(number), BACKGROUNDS[int(number)], rng)
    for number in rng.choice(list(OBJECTS), size=int(rng.integers(3, 7))):
        region = _shape(height, width, rng)
        _paint(image, label, region, int(number), OBJECTS[int(number)], rng)
    if rng.random() < 0.3:
        _paint(image, label, _shape(height, width, rng, scale=0.4), UNLABELLED, _gradient, rng)
    image = 255 * image + rng.normal(0, 8, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), label


def _shape(height: int, width: int, rng: Rng, scale: float = 1.0) -> np.ndarray:
    """Returns a (H, W) bool mask of an ellipse or of a convex polygon with 3 to 6 corners."""
    mask = np.zeros((height, width), np.uint8)
    centre = (int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.1, 0.9) * height))
    radii = (scale * rng.uniform(18, 42, 2)).astype(int)
    if rng.random() < 0.4:
        cv2.ellipse(mask, centre, tuple(map(int, radii)), rng.uniform(0, 180), 0, 360, 1, -1)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        corners = np.stack([np.cos(angles), np.sin(angles)], 1) * radii * 1.2 + centre
        cv2.fillPoly(mask, [cv2.convexHull(corners.astype(np.int32))], 1)
    return mask.astype(bool)


def _paint(
    image: np.ndarray,
    label: np.ndarray,
    region: np.ndarray,
    number: int,
    texture: Texture,
    rng: Rng,
) -> None:
    if not region.any():
        return
    y, x = np.nonzero(region)
    top, left = y.min(), x.min()
    rows, columns = np.mgrid[top : y.max() + 1, left : x.max() + 1].astype(float)
    brightness = texture(rows * 0 + columns, rows, rng)[y - top, x - left, None]
    dark, bright = rng.uniform(0.05, 0.4, 3), rng.uniform(0.6, 0.95, 3)
    image[y, x] = dark + (bright - dark) * brightness
    label[y, x] = number


def write(root: Path, seed: int = 0) -> None:
    """Writes both splits below ``root``; files that are there already are left alone."""
    for split, (prefix, count) in SPLITS.items():
        images, annotations = root / "images" / split, root / "annotations" / split
        images.mkdir(parents=True, exist_ok=True)
        annotations.mkdir(parents=True, exist_ok=True)
        for i in tqdm(range(1, count + 1), desc=f"drawing {split}", unit="image"):
            name = f"ADE_{prefix}_{i:08d}"
            if (annotations / f"{name}.png").exists():
                continue
            image, label = draw(np.random.default_rng([seed, len(prefix), i]))
            cv2.imwrite(str(images / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            cv2.imwrite(str(annotations / f"{name}.png"), label)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("root", type=Path, help="folder that gets images/ and annotations/")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write(arguments.root, arguments.seed)
