"""The detection demo's pictures: training curves, and annotations beside predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

TILE = 224  # pixels
SCALE = 2  # of the images, so that names can be read
COLUMNS = 2


def curves(records: list[dict[str, Any]], path: Path) -> Path:
    """Draws the loss and AP over the epochs into a PNG file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    train = [r for r in records if r.get("mode") == "train" and "loss" in r]
    val = [r for r in records if r.get("mode") == "val" and "bbox_mAP" in r]
    per_epoch = max((r["iter"] for r in train), default=1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), constrained_layout=True)
    left.plot([r["epoch"] - 1 + r["iter"] / per_epoch for r in train], [r["loss"] for r in train])
    left.set(xlabel="epoch", ylabel="loss")
    for name in ("bbox_mAP_50", "segm_mAP_50", "bbox_mAP", "segm_mAP"):
        right.plot([r["epoch"] for r in val], [r[name] for r in val], marker="o", label=name)
    right.set(xlabel="epoch", ylabel="AP", ylim=(0, 1))
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def contact_sheet(work_dir: Path, data: Path, path: Path, count: int = 8) -> Path:
    """Draws annotations (left) and predictions (right) of validation images into a PNG file."""
    from mmdet.apis import inference_detector, init_detector
    from mmdet.datasets import build_dataset
    from mmdet.datasets.pipelines import LoadAnnotations
    from mmdet.visualization import imshow_gt_det_bboxes

    config = next(work_dir.glob("*.py"))
    model = init_detector(str(config), str(work_dir / "latest"), device="cpu")
    section = {**model.cfg.data.val, "data_root": None, "test_mode": True}
    section.update(ann_file=str(data / "annotations/instances_val.json"))
    dataset = build_dataset({**section, "img_prefix": str(data / "val")})
    colours = [(220, 20, 60), (0, 130, 200), (60, 180, 75), (245, 130, 48), (145, 30, 180)]
    load = LoadAnnotations(with_mask=True)
    pairs = []
    for i in range(count):
        sample: dict[str, Any] = {"img_info": dataset.data_infos[i]}
        sample.update(ann_info=dataset.get_ann_info(i))
        dataset.pre_pipeline(sample)
        truth = load(sample)
        file = data / "val" / dataset.data_infos[i]["filename"]
        picture = _enlarged(cv2.imread(str(file)))
        shown = {
            "gt_bboxes": truth["gt_bboxes"] * SCALE,
            "gt_labels": truth["gt_labels"],
            "gt_masks": np.stack([_enlarged(m) for m in truth["gt_masks"].masks])
            if len(truth["gt_labels"])
            else None,
        }
        pairs.append(
            imshow_gt_det_bboxes(
                picture,
                shown,
                _enlarged_result(inference_detector(model, str(file))),
                class_names=model.CLASSES,
                score_thr=0.5,
                gt_bbox_color=colours,
                gt_mask_color=colours,
                det_bbox_color=colours,
                det_mask_color=colours,
                gt_text_color=(255, 255, 255),
                det_text_color=(255, 255, 255),
                font_size=11,
                overlay_gt_pred=False,
                show=False,
            )
        )
    tiles = [_tile(pair) for pair in pairs]
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows))
    return path


def _enlarged(array: np.ndarray) -> np.ndarray:
    return cv2.resize(array, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_NEAREST)


def _enlarged_result(result: Any) -> Any:
    boxes, masks = result
    larger = [np.concatenate([b[:, :4] * SCALE, b[:, 4:]], axis=1) for b in boxes]
    return larger, [[_enlarged(np.asarray(m, np.uint8)) for m in of] for of in masks]


def _tile(pair: np.ndarray) -> np.ndarray:
    """Puts a pair of pictures side by side into a field of one size."""
    half = pair.shape[1] // 2
    field = np.full((TILE * SCALE + 6, 2 * TILE * SCALE + 12, 3), 255, np.uint8)
    for k, part in enumerate((pair[:, :half], pair[:, half:])):
        part = part[: TILE * SCALE, : TILE * SCALE]
        left = k * (TILE * SCALE + 3)
        field[: part.shape[0], left : left + part.shape[1]] = part
    return field
