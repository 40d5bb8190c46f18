"""Draws a small data set for instance segmentation in COCO's format.

Five shapes, each with a texture of its own but random colours, on textured backgrounds. They hide
each other, pixels are noisy, and sizes range from small to large in COCO's sense. Masks are
polygons, or RLE where a shape has a hole; some images have a crowd: a heap of one class that is
marked as one region. A few images have no object at all.

    ROOT/train/000000000001.jpg  ROOT/val/...
    ROOT/annotations/instances_{train,val}.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from dataset import BACKGROUNDS, OBJECTS, Rng, Texture
from pycocotools import mask as mask_utils
from tqdm import tqdm

SPLITS = {"train": 480, "val": 80}
# Ids are neither contiguous nor in the order of the names, as in COCO.
CATEGORIES = {"ball": 3, "crate": 1, "kite": 18, "ring": 44, "star": 27}
TEXTURES: dict[str, Texture] = {
    "ball": OBJECTS[120],  # shaded
    "crate": OBJECTS[29],  # checker
    "kite": OBJECTS[54],  # horizontal stripes
    "ring": OBJECTS[23],  # dots
    "star": OBJECTS[19],  # vertical stripes
}
LEAST_VISIBLE = 0.5  # objects of which less is seen are not drawn
LEAST_AREA = 60  # pixels

Instance = tuple[str, np.ndarray, bool]  # name, (H, W) bool mask, whether it is a crowd


def draw(rng: Rng) -> tuple[np.ndarray, list[Instance]]:
    """Draws one scene.

    Returns:
        (H, W, 3) uint8 BGR with sides of 160 to 224 pixels, and what is on it.
    """
    height, width = (int(side) for side in rng.integers(160, 225, 2))
    image = np.zeros((height, width, 3))
    background = BACKGROUNDS[int(rng.choice(list(BACKGROUNDS)))]
    _paint(image, np.ones((height, width), bool), background, rng, contrast=0.25)
    instances: list[Instance] = []
    for _ in range(0 if rng.random() < 0.03 else int(rng.integers(1, 7))):
        name = str(rng.choice(list(CATEGORIES)))
        size = float(np.exp(rng.uniform(np.log(18), np.log(150))))
        _add(image, instances, name, _shape(name, (height, width), size, rng), rng)
    if rng.random() < 0.15:
        _add_crowd(image, instances, rng)
    image = 255 * image + rng.normal(0, 6, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), instances


def _add(
    image: np.ndarray, instances: list[Instance], name: str, mask: np.ndarray, rng: Rng
) -> None:
    """Paints an object, unless it would hide too much of another one."""
    if mask.sum() < LEAST_AREA:
        return
    left = [(other, seen & ~mask, crowd) for other, seen, crowd in instances]
    for (_, before, _), (_, after, _) in zip(instances, left, strict=True):
        if after.sum() < max(LEAST_VISIBLE * before.sum(), LEAST_AREA):
            return
    instances[:] = [*left, (name, mask, False)]
    _paint(image, mask, TEXTURES[name], rng)


def _add_crowd(image: np.ndarray, instances: list[Instance], rng: Rng) -> None:
    """Paints a heap of small objects that are annotated as one region."""
    name = str(rng.choice(list(CATEGORIES)))
    taken = np.zeros(image.shape[:2], bool)
    for _, mask, _ in instances:
        taken |= mask
    centre = rng.uniform(0.2, 0.8, 2)
    heap = np.zeros_like(taken)
    for _ in range(9):
        part = _shape(name, taken.shape, 16, rng, near=(centre + rng.normal(0, 0.06, 2)))
        part &= ~taken & ~heap
        if part.any():
            _paint(image, part, TEXTURES[name], rng)
            heap |= part
    if heap.sum() >= LEAST_AREA:
        instances.append((name, heap, True))


def _shape(
    name: str, shape: tuple[int, ...], size: float, rng: Rng, near: np.ndarray | None = None
) -> np.ndarray:
    """Returns the (H, W) bool mask of a shape about ``size`` pixels wide, anywhere or near."""
    mask = np.zeros(shape, np.uint8)
    place = rng.uniform(0.08, 0.92, 2) if near is None else near
    x, y = place[1] * shape[1], place[0] * shape[0]
    turn = rng.uniform(0, 2 * np.pi)
    if name in ("ball", "ring"):
        axes = (int(size / 2), int(size / 2 * rng.uniform(0.75, 1.0)))
        cv2.ellipse(mask, (int(x), int(y)), axes, np.degrees(turn), 0, 360, 1, -1)
        if name == "ring":
            hole = (int(axes[0] * 0.5), int(axes[1] * 0.5))
            cv2.ellipse(mask, (int(x), int(y)), hole, np.degrees(turn), 0, 360, 0, -1)
        return mask.astype(bool)
    angles, radii = {
        "crate": (np.radians([35, 145, 215, 325]), np.ones(4)),
        "kite": (np.radians([0, 110, 250]), np.array([1.1, 0.8, 0.8])),
        "star": (np.arange(10) * np.pi / 5, np.tile([1.1, 0.5], 5)),
    }[name]
    corners = np.stack([np.cos(angles + turn), np.sin(angles + turn)], 1)
    corners = corners * radii[:, None] * size / 2 + (x, y)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    return mask.astype(bool)


def _paint(
    image: np.ndarray, region: np.ndarray, texture: Texture, rng: Rng, contrast: float = 1.0
) -> None:
    y, x = np.nonzero(region)
    top, left = y.min(), x.min()
    rows, columns = np.mgrid[: y.max() - top + 1, : x.max() - left + 1].astype(float)
    brightness = texture(columns, rows, rng)[y - top, x - left, None]
    dark, bright = rng.uniform(0.05, 0.4, 3), rng.uniform(0.6, 0.95, 3)
    image[y, x] = dark + contrast * (bright - dark) * brightness


def annotation(mask: np.ndarray, category: int, is_crowd: bool) -> dict[str, Any]:
    """Returns the annotation of a mask: polygons where they can say it, else RLE."""
    encoded: Any = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    box = [float(value) for value in mask_utils.toBbox(encoded)]
    return {
        "category_id": category,
        "bbox": box,
        "area": float(mask.sum()),
        "iscrowd": int(is_crowd),
        "segmentation": _runs(mask) if is_crowd else _polygons(mask) or _rle(encoded),
    }


def _polygons(mask: np.ndarray) -> list[list[float]] | None:
    contours, levels = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if any(level[3] >= 0 for level in levels[0]):  # a hole, which polygons cannot say
        return None
    # Contours run through the middles of pixels, polygons along their edges.
    polygons = [(contour.reshape(-1) + 0.5).tolist() for contour in contours if len(contour) >= 3]
    return polygons or None


def _runs(mask: np.ndarray) -> dict[str, Any]:
    """Returns uncompressed RLE, which is what COCO has for crowds."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


def _rle(encoded: dict[str, Any]) -> dict[str, Any]:
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def write(root: Path, seed: int = 0) -> None:
    """Writes both splits below ``root``, unless they are there."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, count in SPLITS.items():
        target = root / "annotations" / f"instances_{split}.json"
        if target.exists():
            continue
        (root / split).mkdir(exist_ok=True)
        images, annotations = [], []
        for i in tqdm(range(1, count + 1), desc=f"drawing {split}", unit="image"):
            image, instances = draw(np.random.default_rng([seed, len(split), i]))
            name = f"{i:012d}.jpg"
            cv2.imwrite(str(root / split / name), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            height, width = image.shape[:2]
            images.append({"id": i, "file_name": name, "height": height, "width": width})
            for kind, mask, is_crowd in instances:
                entry = annotation(mask, CATEGORIES[kind], is_crowd)
                annotations.append({"id": len(annotations) + 1, "image_id": i, **entry})
        categories = [{"id": number, "name": name} for name, number in CATEGORIES.items()]
        content = {"images": images, "annotations": annotations, "categories": categories}
        target.write_text(json.dumps(content))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("root", type=Path, help="folder that gets train/, val/ and annotations/")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write(arguments.root, arguments.seed)
