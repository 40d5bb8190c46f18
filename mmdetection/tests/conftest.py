"""Fixtures of the detection tests."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]
CLASSES = ("cat", "dog")


def write_tiny_coco(root: Path, name: str = "train", count: int = 4) -> Path:
    """Writes real JPEG files and a json in COCO's format; returns the json.

    Image i is 64 x (48 + 4 i) pixels with i + 1 objects in turn of cat and dog; the last object of
    image 1 is a crowd. Masks are polygons around the box.
    """
    rng = np.random.default_rng(0)
    folder = root / name
    folder.mkdir(parents=True)
    images, annotations = [], []
    for i in range(count):
        height, width = 48 + 4 * i, 64
        img = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{i}.jpg"), img)
        images.append({"id": 10 * i, "file_name": f"{i}.jpg", "height": height, "width": width})
        for k in range(i + 1):
            x, y, w, h = 4 + 10 * k, 6, 8, 20 + k
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": 10 * i,
                    "category_id": CATEGORIES[k % 2]["id"],
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": int(i == 1 and k == 1),
                    "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
                }
            )
    path = root / f"{name}.json"
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def coco_file(tmp_path: Path) -> Path:
    """The json of a tiny data set in COCO's format, of the test's own; images in ``train``."""
    return write_tiny_coco(tmp_path)


@pytest.fixture
def change_coco(coco_file: Path) -> Callable[[Callable[[dict], None]], Path]:
    """Returns a function that applies a change to the content of ``coco_file``."""

    def change(function: Callable[[dict], None]) -> Path:
        content = json.loads(coco_file.read_text())
        function(content)
        coco_file.write_text(json.dumps(content))
        return coco_file

    return change
