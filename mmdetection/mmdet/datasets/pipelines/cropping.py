"""Cutting windows out of images with their objects, and enlarging them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmdet.datasets.pipelines.fields import LABELS, MASKS, clip_boxes, keep_objects
from mmdet.evaluation.bbox_overlaps import bbox_overlaps
from mmdet.registry import PIPELINES

CROP_TYPES = ("relative_range", "relative", "absolute", "absolute_range")


@PIPELINES.register_module()
class RandomCrop:
    """Cuts a random window out of image, boxes, masks and label maps.

    Args:
        crop_size: (height, width) in pixels; shares of the image for the relative types; lowest
            and highest length for "absolute_range"; lowest shares for "relative_range".
        crop_type: "absolute", "absolute_range", "relative" or "relative_range".
        allow_negative_crop: keep windows without any object; else the sample is rejected.
        recompute_bbox: boxes become those around the cut masks.
        bbox_clip_border: clip boxes to the window.
    """

    def __init__(
        self,
        crop_size: tuple[float, float],
        crop_type: str = "absolute",
        allow_negative_crop: bool = False,
        recompute_bbox: bool = False,
        bbox_clip_border: bool = True,
    ) -> None:
        if crop_type not in CROP_TYPES:
            raise ValueError(f"Invalid crop_type {crop_type}. (possible: {', '.join(CROP_TYPES)})")
        limit = np.inf if crop_type.startswith("absolute") else 1
        require(
            all(0 < length <= limit for length in crop_size),
            f"crop_size={crop_size} does not fit crop_type={crop_type!r}",
        )
        if crop_type == "absolute_range":
            require(crop_size[0] <= crop_size[1], "crop_size must be (lowest, highest)")
        self.crop_size = crop_size
        self.crop_type = crop_type
        self.allow_negative_crop = allow_negative_crop
        self.recompute_bbox = recompute_bbox
        self.bbox_clip_border = bbox_clip_border
        self.bbox2label = LABELS
        self.bbox2mask = MASKS

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Crops; returns None if no object is left."""
        size = self._get_crop_size(results["img"].shape[:2])
        return self._crop_data(results, size, self.allow_negative_crop)

    def _get_crop_size(self, image_size: tuple[int, ...]) -> tuple[int, int]:
        """Returns height and width of the window."""
        h, w = image_size[:2]
        size: Any = self.crop_size
        if self.crop_type == "absolute":
            return min(size[0], h), min(size[1], w)
        if self.crop_type == "absolute_range":
            crop_h = np.random.randint(min(h, size[0]), min(h, size[1]) + 1)
            crop_w = np.random.randint(min(w, size[0]), min(w, size[1]) + 1)
            return crop_h, crop_w
        if self.crop_type == "relative_range":
            least = np.asarray(size, dtype=np.float32)
            size = least + np.random.rand(2) * (1 - least)
        return int(h * size[0] + 0.5), int(w * size[1] + 0.5)

    def _crop_data(
        self, results: dict[str, Any], crop_size: tuple[int, int], allow_negative_crop: bool
    ) -> dict[str, Any] | None:
        require(min(crop_size) > 0, f"the image is too small for crop_size={self.crop_size}")
        x1 = y1 = x2 = y2 = 0
        for key in results.get("img_fields", ["img"]):
            img = results[key]
            y1 = np.random.randint(0, max(img.shape[0] - crop_size[0], 0) + 1)
            x1 = np.random.randint(0, max(img.shape[1] - crop_size[1], 0) + 1)
            y2, x2 = y1 + crop_size[0], x1 + crop_size[1]
            results[key] = img[y1:y2, x1:x2, ...]
            results["img_shape"] = results[key].shape
        h, w = results["img_shape"][:2]
        for key in results.get("bbox_fields", []):
            boxes = results[key] - np.array([x1, y1, x1, y1], dtype=np.float32)
            if self.bbox_clip_border:
                clip_boxes(boxes, h, w)
            kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
            if key == "gt_bboxes" and not kept.any() and not allow_negative_crop:
                return None
            results[key] = boxes
            keep_objects(results, key, kept)
            mask_key = MASKS.get(key)
            if mask_key in results:
                results[mask_key] = results[mask_key].crop(np.asarray([x1, y1, x2, y2]))
                if self.recompute_bbox:
                    results[key] = results[mask_key].get_bboxes()
        for key in results.get("seg_fields", []):
            results[key] = results[key][y1:y2, x1:x2]
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(crop_size={self.crop_size}, crop_type={self.crop_type}, "
            f"allow_negative_crop={self.allow_negative_crop}, "
            f"bbox_clip_border={self.bbox_clip_border})"
        )


@PIPELINES.register_module()
class Expand:
    """Puts the image at a random place of a larger canvas, by chance (SSD, 1512.02325).

    Args:
        mean: colour of the canvas.
        to_rgb: ``mean`` is RGB although the image is BGR.
        ratio_range: of the canvas' sides to the image's.
        seg_ignore_label: of the canvas in label maps.
        prob: chance of an expansion.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0, 0, 0),
        to_rgb: bool = True,
        ratio_range: tuple[float, float] = (1, 4),
        seg_ignore_label: int | None = None,
        prob: float = 0.5,
    ) -> None:
        self.to_rgb = to_rgb
        self.ratio_range = ratio_range
        self.mean = mean[::-1] if to_rgb else mean
        self.min_ratio, self.max_ratio = ratio_range
        self.seg_ignore_label = seg_ignore_label
        self.prob = prob

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Enlarges image, boxes, masks and label maps."""
        if np.random.uniform(0, 1) > self.prob:
            return results
        img = results["img"]
        h, w, c = img.shape
        ratio = np.random.uniform(self.min_ratio, self.max_ratio)
        height, width = int(h * ratio), int(w * ratio)
        left = int(np.random.uniform(0, w * ratio - w))
        top = int(np.random.uniform(0, h * ratio - h))
        window = (slice(top, top + h), slice(left, left + w))
        canvas = np.empty((height, width, c), img.dtype)
        canvas[...] = np.asarray(self.mean).astype(img.dtype)
        canvas[window] = img
        results["img"] = canvas
        for key in results.get("bbox_fields", []):
            boxes = results[key]
            results[key] = boxes + np.tile((left, top), 2).astype(boxes.dtype)
        for key in results.get("mask_fields", []):
            results[key] = results[key].expand(height, width, top, left)
        for key in results.get("seg_fields", []):
            seg = np.full((height, width), self.seg_ignore_label, dtype=results[key].dtype)
            seg[window] = results[key]
            results[key] = seg
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(mean={self.mean}, to_rgb={self.to_rgb}, "
            f"ratio_range={self.ratio_range}, seg_ignore_label={self.seg_ignore_label})"
        )


@PIPELINES.register_module()
class MinIoURandomCrop:
    """Cuts a window that overlaps every object at least so much, drawn each time (SSD).

    Args:
        min_ious: overlaps to choose from, beside "the whole image" and "any".
        min_crop_size: least share of the sides.
        bbox_clip_border: clip boxes to the window.
    """

    def __init__(
        self,
        min_ious: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
        min_crop_size: float = 0.3,
        bbox_clip_border: bool = True,
    ) -> None:
        self.min_ious = min_ious
        self.sample_mode = (1, *min_ious, 0)
        self.min_crop_size = min_crop_size
        self.bbox_clip_border = bbox_clip_border
        self.bbox2label = LABELS
        self.bbox2mask = MASKS

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crops; objects whose centre is outside are dropped."""
        require("bbox_fields" in results, "MinIoURandomCrop needs boxes: LoadAnnotations first")
        boxes = np.concatenate([results[key] for key in results["bbox_fields"]], 0)
        while True:
            self.mode = mode = np.random.choice(self.sample_mode)
            if mode == 1:
                return results
            for _ in range(50):
                patch = self._draw_patch(results["img"].shape)
                if patch is not None and self._fits(boxes, patch, mode):
                    return self._crop(results, patch)

    def _draw_patch(self, shape: tuple[int, ...]) -> np.ndarray | None:
        h, w = shape[:2]
        new_w = np.random.uniform(self.min_crop_size * w, w)
        new_h = np.random.uniform(self.min_crop_size * h, h)
        if new_h / new_w < 0.5 or new_h / new_w > 2:
            return None
        # As in 1.x the lower bound alone is given: numbers between 1 and the free space.
        left = np.random.uniform(w - new_w)
        top = np.random.uniform(h - new_h)
        patch = np.array((int(left), int(top), int(left + new_w), int(top + new_h)))
        return None if patch[2] == patch[0] or patch[3] == patch[1] else patch

    def _fits(self, boxes: np.ndarray, patch: np.ndarray, min_iou: float) -> bool:
        overlaps = bbox_overlaps(patch.reshape(-1, 4), boxes.reshape(-1, 4)).reshape(-1)
        if len(overlaps) == 0:
            return True
        return bool(overlaps.min() >= min_iou and _has_centre_in(boxes, patch).any())

    def _crop(self, results: dict[str, Any], patch: np.ndarray) -> dict[str, Any]:
        for key in results.get("bbox_fields", []):
            boxes = results[key].copy()
            kept = _has_centre_in(boxes, patch)
            if self.bbox_clip_border:
                boxes[:, 2:] = boxes[:, 2:].clip(max=patch[2:])
                boxes[:, :2] = boxes[:, :2].clip(min=patch[:2])
            results[key] = boxes - np.tile(patch[:2], 2).astype(boxes.dtype)
            keep_objects(results, key, kept)
            mask_key = MASKS.get(key)
            if mask_key in results:
                results[mask_key] = results[mask_key].crop(patch)
        window = (slice(patch[1], patch[3]), slice(patch[0], patch[2]))
        results["img"] = results["img"][window]
        results["img_shape"] = results["img"].shape
        for key in results.get("seg_fields", []):
            results[key] = results[key][window]
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(min_ious={self.min_ious}, min_crop_size={self.min_crop_size}, "
            f"bbox_clip_border={self.bbox_clip_border})"
        )


def _has_centre_in(boxes: np.ndarray, patch: np.ndarray) -> Any:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.logical_and(centres > patch[:2], centres < patch[2:]).all(axis=1)
