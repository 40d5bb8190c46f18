"""The demo's pictures: training curves, and images beside prediction and truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

TILE = (200, 200)  # width and height in pixels
CAPTION = 18


def curves(records: list[dict[str, Any]], path: Path) -> Path:
    """Draws the loss and mIoU over the iterations into a PNG file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    train = [r for r in records if r.get("mode") == "train" and "loss" in r]
    val = [r for r in records if r.get("mode") == "val" and "mIoU" in r]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), constrained_layout=True)
    left.plot([r["iter"] for r in train], [r["loss"] for r in train])
    left.set(xlabel="iteration", ylabel="loss")
    right.plot([r["iter"] for r in val], [r["mIoU"] for r in val], marker="o")
    right.set(xlabel="iteration", ylabel="mIoU", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def contact_sheet(work_dir: Path, data: Path, path: Path, count: int = 8) -> Path:
    """Draws validation images, predictions and truths side by side into a PNG file."""
    from mmseg.apis import inference_segmentor, init_segmentor

    config = next(work_dir.glob("*.py"))
    model = init_segmentor(str(config), str(work_dir / "latest"), device="cpu")
    palette = np.array(model.PALETTE, np.uint8)[:, ::-1]  # RGB -> BGR
    colours = np.concatenate([palette, np.zeros((256 - len(palette), 3), np.uint8)])
    rows = []
    for file in sorted((data / "images/validation").glob("*.jpg"))[:count]:
        prediction = inference_segmentor(model, str(file))[0]
        annotation = data / "annotations/validation" / f"{file.stem}.png"
        # 0 (unlabelled) becomes 255: the mapping of reduce_zero_label.
        truth = cv2.imread(str(annotation), cv2.IMREAD_GRAYSCALE) - 1
        image = cv2.imread(str(file))
        maps = (colours[prediction.astype(np.uint8)], colours[truth])
        rows.append(np.hstack([_tile(part) for part in (image, *maps)]))
    half = (len(rows) + 1) // 2
    columns = [np.vstack([_header(rows[0].shape[1]), *part]) for part in (rows[:half], rows[half:])]
    cv2.imwrite(str(path), np.hstack(columns))
    return path


def _tile(image: np.ndarray) -> np.ndarray:
    tile = np.full((TILE[1], TILE[0], 3), 255, np.uint8)
    tile[: image.shape[0], : image.shape[1]] = image[: TILE[1], : TILE[0]]
    return tile


def _header(width: int) -> np.ndarray:
    header = np.full((CAPTION, width, 3), 255, np.uint8)
    for i, text in enumerate(("image", "prediction", "truth")):
        position = (i * width // 3 + 4, CAPTION - 5)
        cv2.putText(header, text, position, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1)
    return header
