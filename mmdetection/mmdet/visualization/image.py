"""Drawing detections and annotations into images, with OpenCV alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmcv.image import imread, imwrite
from mmcv.image.checks import require
from mmcv.visualization import color_val, imshow
from mmdet.boxes import mask2ndarray
from mmdet.evaluation.records import decode_mask
from mmdet.visualization.palette import get_palette

MASK_OPACITY = 0.5
FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of the font's capital letters at scale 1.
FONT_HEIGHT = 22


def color_val_matplotlib(color: Any) -> tuple[float, ...]:
    """Returns a colour of mmcv as RGB in 0..1."""
    return tuple(value / 255 for value in color_val(color)[::-1])


def imshow_det_bboxes(
    img: Any,
    bboxes: np.ndarray | None = None,
    labels: Any = None,
    segms: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    score_thr: float = 0,
    bbox_color: Any = "green",
    text_color: Any = "green",
    mask_color: Any = None,
    thickness: int = 2,
    font_size: float = 8,
    win_name: str = "",
    show: bool = True,
    wait_time: float = 0,
    out_file: str | None = None,
) -> np.ndarray:
    """Draws boxes, masks, classes and scores.

    Args:
        img: file or (H, W, 3) BGR; it is not changed.
        bboxes: (n, 4), or (n, 5) with scores.
        labels: (n,) classes.
        segms: (n, H, W) masks.
        class_names: names of the labels.
        score_thr: only boxes of a higher score are drawn.
        bbox_color: see get_palette, as the next two.
        text_color: see there.
        mask_color: see there.
        thickness: of the lines.
        font_size: height of the letters in pixels.
        win_name: title of the window.
        show: open a window.
        wait_time: seconds until it closes; 0: waits for a key.
        out_file: where to write the picture.

    Returns:
        (H, W, 3) uint8 BGR
    """
    labels = np.asarray(labels)
    _check(bboxes, labels, segms)
    if score_thr > 0:
        require(
            bboxes is not None and bboxes.shape[1] == 5, "score_thr needs boxes with scores, (n, 5)"
        )
        assert bboxes is not None
        kept = bboxes[:, -1] > score_thr
        bboxes, labels = bboxes[kept], labels[kept]
        segms = None if segms is None else segms[kept]
    picture = imread(img).astype(np.uint8).copy()
    count = int(labels.max()) + 1 if len(labels) else 1
    if segms is not None:
        _draw_masks(picture, segms, [get_palette(mask_color, count)[i] for i in labels])
    if bboxes is not None:
        lines, letters = get_palette(bbox_color, count), get_palette(text_color, count)
        for box, label in zip(bboxes, labels, strict=False):
            corner = _draw_box(picture, box, lines[label], thickness)
            name = str(class_names[label]) if class_names is not None else f"class {label}"
            text = f"{name}|{box[4]:.02f}" if len(box) > 4 else name
            _draw_text(picture, text, corner, letters[label], font_size)
    if show:
        imshow(picture, win_name, int(wait_time * 1000))
    if out_file is not None:
        imwrite(picture, out_file)
    return picture


def imshow_gt_det_bboxes(
    img: Any,
    annotation: dict[str, Any],
    result: Any,
    class_names: Sequence[str] | None = None,
    score_thr: float = 0,
    gt_bbox_color: Any = (61, 102, 255),
    gt_text_color: Any = (200, 200, 200),
    gt_mask_color: Any = (61, 102, 255),
    det_bbox_color: Any = (241, 101, 72),
    det_text_color: Any = (200, 200, 200),
    det_mask_color: Any = (241, 101, 72),
    thickness: int = 2,
    font_size: float = 13,
    win_name: str = "",
    show: bool = True,
    wait_time: float = 0,
    out_file: str | None = None,
    overlay_gt_pred: bool = True,
) -> np.ndarray:
    """Draws the annotations of an image and, over them or beside them, its detections.

    Args:
        img: file or (H, W, 3) BGR.
        annotation: ``gt_bboxes``, ``gt_labels`` and maybe ``gt_masks``.
        result: boxes per class, or a tuple of boxes and masks per class.
        class_names: names of the labels.
        score_thr: only detections of a higher score are drawn.
        gt_bbox_color: see get_palette, as the other colours.
        gt_text_color: see there.
        gt_mask_color: see there.
        det_bbox_color: see there.
        det_text_color: see there.
        det_mask_color: see there.
        thickness: of the lines.
        font_size: height of the letters in pixels.
        win_name: title of the window.
        show: open a window.
        wait_time: seconds until it closes; 0: waits for a key.
        out_file: where to write the picture.
        overlay_gt_pred: draw detections into the same picture; else to the right of it.

    Returns:
        (H, W, 3) or (H, 2 W, 3) uint8 BGR
    """
    for key in ("gt_bboxes", "gt_labels"):
        require(key in annotation, f"the annotation has no {key}")
    require(isinstance(result, (tuple, list)), f"Expected tuple or list, but get {type(result)}")
    original = imread(img)
    masks = annotation.get("gt_masks")
    common: dict[str, Any] = {"class_names": class_names, "thickness": thickness}
    common.update(font_size=font_size, show=False)
    truth = imshow_det_bboxes(
        original,
        annotation["gt_bboxes"],
        annotation["gt_labels"],
        None if masks is None else mask2ndarray(masks),
        bbox_color=gt_bbox_color,
        text_color=gt_text_color,
        mask_color=gt_mask_color,
        **common,
    )
    boxes, labels, segms = stacked_result(result)
    found = imshow_det_bboxes(
        truth if overlay_gt_pred else original,
        boxes,
        labels,
        segms,
        score_thr=score_thr,
        bbox_color=det_bbox_color,
        text_color=det_text_color,
        mask_color=det_mask_color,
        **common,
    )
    picture = found if overlay_gt_pred else np.concatenate([truth, found], axis=1)
    if show:
        imshow(picture, win_name, int(wait_time * 1000))
    if out_file is not None:
        imwrite(picture, out_file)
    return picture


def stacked_result(result: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Returns boxes (n, 5), labels (n,) and masks (n, H, W) of a result per class.

    Args:
        result: boxes per class, or a tuple of boxes and masks per class; masks may be RLE.
    """
    boxes, masks = result if isinstance(result, tuple) else (result, None)
    masks = masks[0] if isinstance(masks, tuple) else masks
    labels = np.concatenate([np.full(len(of), i, np.int64) for i, of in enumerate(boxes)])
    stacked = None
    if masks is not None and len(labels):
        stacked = np.stack([decode_mask(mask) for of_class in masks for mask in of_class])
    return np.vstack(boxes), labels, stacked


def _check(bboxes: np.ndarray | None, labels: np.ndarray, segms: np.ndarray | None) -> None:
    require(labels.ndim == 1, f" labels ndim should be 1, but its ndim is {labels.ndim}.")
    require(
        segms is not None or bboxes is not None,
        "segms and bboxes should not be None at the same time.",
    )
    if bboxes is not None:
        require(
            bboxes.ndim == 2 and bboxes.shape[1] in (4, 5),
            f"bboxes must be (n, 4) or (n, 5), but got {bboxes.shape}",
        )
        require(
            len(bboxes) <= len(labels),
            "labels.shape[0] should not be less than bboxes.shape[0].",
        )
    require(
        segms is None or len(segms) == len(labels),
        "segms.shape[0] and labels.shape[0] should have the same length.",
    )


def _draw_masks(picture: np.ndarray, masks: np.ndarray, colours: Sequence[tuple[int, ...]]) -> None:
    for mask, colour in zip(np.asarray(masks).astype(bool), colours, strict=True):
        tint = np.array(colour[::-1])
        picture[mask] = picture[mask] * (1 - MASK_OPACITY) + tint * MASK_OPACITY
        contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours[-2], -1, (255, 255, 255), 1)


def _draw_box(
    picture: np.ndarray, box: np.ndarray, colour: tuple[int, ...], thickness: int
) -> tuple[int, int]:
    x1, y1, x2, y2 = (int(value) for value in box[:4])
    bgr = tuple(int(value) for value in colour[::-1])
    cv2.rectangle(picture, (x1, y1), (x2, y2), bgr, thickness=thickness)
    return x1, y1


def _draw_text(
    picture: np.ndarray, text: str, corner: tuple[int, int], colour: tuple[int, ...], size: float
) -> None:
    scale = size / FONT_HEIGHT
    (width, height), below = cv2.getTextSize(text, FONT, scale, 1)
    x = max(min(corner[0], picture.shape[1] - width), 0)
    y = max(corner[1], 0)
    cv2.rectangle(picture, (x, y), (x + width, y + height + below), (0, 0, 0), -1)
    bgr = tuple(int(value) for value in colour[::-1])
    cv2.putText(picture, text, (x, y + height), FONT, scale, bgr, 1, cv2.LINE_AA)
