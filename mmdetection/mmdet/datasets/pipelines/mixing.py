"""Several images in one: mosaic, mix-up and copy-paste; steps of MultiImageMixDataset."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from mmcv.image import imresize
from mmcv.image.checks import require
from mmcv.transforms.mosaic import paste_and_crop
from mmdet.datasets.pipelines.fields import boxes_inside, clip_boxes, is_plausible
from mmdet.masks import BitmapMasks
from mmdet.registry import PIPELINES


@PIPELINES.register_module()
class Mosaic:
    """Puts the sample and three others around a random centre (YOLOX, arXiv:2107.08430).

    The result is twice as high and wide as ``img_scale``.

    Args:
        img_scale: (height, width) into which each image is fitted.
        center_ratio_range: of the centre, as a factor of img_scale.
        min_bbox_size: boxes must be wider and higher, unless ``skip_filter``.
        bbox_clip_border: clip boxes to the mosaic.
        skip_filter: keep small boxes.
        pad_val: of pixels that no image covers.
        prob: chance of a mosaic.
    """

    def __init__(
        self,
        img_scale: tuple[int, int] = (640, 640),
        center_ratio_range: tuple[float, float] = (0.5, 1.5),
        min_bbox_size: float = 0,
        bbox_clip_border: bool = True,
        skip_filter: bool = True,
        pad_val: float = 114,
        prob: float = 1.0,
    ) -> None:
        require(isinstance(img_scale, tuple), f"img_scale must be a tuple, but got {img_scale!r}")
        require(0 <= prob <= 1, f"The probability should be in range [0,1]. got {prob}.")
        self.img_scale = img_scale
        self.center_ratio_range = center_ratio_range
        self.min_bbox_size = min_bbox_size
        self.bbox_clip_border = bbox_clip_border
        self.skip_filter = skip_filter
        self.pad_val = pad_val
        self.prob = prob

    def get_indexes(self, dataset: Any) -> list[int]:
        """Draws the three other samples."""
        return [np.random.randint(0, len(dataset)) for _ in range(3)]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Combines img, gt_bboxes and gt_labels; sets img_shape."""
        if np.random.uniform(0, 1) > self.prob:
            return results
        require("mix_results" in results, "Mosaic works in a MultiImageMixDataset only")
        height, width = 2 * self.img_scale[0], 2 * self.img_scale[1]
        img = results["img"]
        canvas = np.full((int(height), int(width), *img.shape[2:]), self.pad_val, dtype=img.dtype)
        center_x = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[1])
        center_y = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[0])
        parts = [results, *results["mix_results"][:3]]
        boxes = [
            self._paste(canvas, copy.deepcopy(part), (center_x, center_y), quarter)
            for quarter, part in enumerate(parts)
        ]
        self._set_boxes(results, np.concatenate(boxes, 0), parts, (height, width))
        results["img"] = canvas
        results["img_shape"] = canvas.shape
        return results

    def _paste(
        self, canvas: np.ndarray, part: dict[str, Any], center: tuple[int, int], quarter: int
    ) -> np.ndarray:
        """Pastes one image into its quarter and returns its boxes on the canvas."""
        h, w = part["img"].shape[:2]
        ratio = min(self.img_scale[0] / h, self.img_scale[1] / w)
        size = (int(w * ratio), int(h * ratio))
        img = imresize(part["img"], size)
        (x1, y1, x2, y2), (left, top, right, bottom) = paste_and_crop(
            center, size, (canvas.shape[1], canvas.shape[0]), quarter
        )
        canvas[y1:y2, x1:x2] = img[top:bottom, left:right]
        boxes = part["gt_bboxes"]
        if len(boxes):
            boxes[:, 0::2] = ratio * boxes[:, 0::2] + (x1 - left)
            boxes[:, 1::2] = ratio * boxes[:, 1::2] + (y1 - top)
        return boxes

    def _set_boxes(
        self, results: dict[str, Any], boxes: np.ndarray, parts: Any, size: tuple[int, int]
    ) -> None:
        labels = np.concatenate([part["gt_labels"] for part in parts], 0)
        if self.bbox_clip_border:
            clip_boxes(boxes, *size)
        kept = boxes_inside(boxes, *size)
        if not self.skip_filter:
            kept &= ((boxes[:, 2:] - boxes[:, :2]) > self.min_bbox_size).all(axis=1)
        results["gt_bboxes"], results["gt_labels"] = boxes[kept], labels[kept]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}img_scale={self.img_scale}, "
            f"center_ratio_range={self.center_ratio_range}, pad_val={self.pad_val}, "
            f"min_bbox_size={self.min_bbox_size}, skip_filter={self.skip_filter})"
        )


@PIPELINES.register_module()
class MixUp:
    """Averages the sample with another one that is scaled, flipped and cropped (YOLOX).

    Args:
        img_scale: (height, width) into which the other image is fitted first.
        ratio_range: of the factor by which it is scaled then.
        flip_ratio: chance that it is not flipped (the name is 1.x's, and misleads).
        pad_val: around it.
        max_iters: draws to find an image with objects.
        min_bbox_size: see is_plausible, as the next two; unless ``skip_filter``.
        min_area_ratio: see there.
        max_aspect_ratio: see there.
        bbox_clip_border: clip boxes to the image.
        skip_filter: keep all boxes.
    """

    def __init__(
        self,
        img_scale: tuple[int, int] = (640, 640),
        ratio_range: tuple[float, float] = (0.5, 1.5),
        flip_ratio: float = 0.5,
        pad_val: float = 114,
        max_iters: int = 15,
        min_bbox_size: float = 5,
        min_area_ratio: float = 0.2,
        max_aspect_ratio: float = 20,
        bbox_clip_border: bool = True,
        skip_filter: bool = True,
    ) -> None:
        require(isinstance(img_scale, tuple), f"img_scale must be a tuple, but got {img_scale!r}")
        self.dynamic_scale = img_scale
        self.ratio_range = ratio_range
        self.flip_ratio = flip_ratio
        self.pad_val = pad_val
        self.max_iters = max_iters
        self.min_bbox_size = min_bbox_size
        self.min_area_ratio = min_area_ratio
        self.max_aspect_ratio = max_aspect_ratio
        self.bbox_clip_border = bbox_clip_border
        self.skip_filter = skip_filter

    def get_indexes(self, dataset: Any) -> int:
        """Draws another sample, one with objects if that succeeds in time."""
        index = 0
        for _ in range(self.max_iters):
            index = np.random.randint(0, len(dataset))
            if len(dataset.get_ann_info(index)["bboxes"]) != 0:
                break
        return index

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mixes img, gt_bboxes and gt_labels; sets img_shape."""
        others = results.get("mix_results")
        if others is None or len(others) != 1:
            raise ValueError("MixUp only support 2 images now: it needs a MultiImageMixDataset")
        other = others[0]
        if len(other["gt_bboxes"]) == 0:
            return results
        factor = np.random.uniform(*self.ratio_range)
        is_flipped = np.random.uniform(0, 1) > self.flip_ratio
        img, scale = self._prepare(other["img"], factor, is_flipped)
        height, width = img.shape[:2]
        target_h, target_w = results["img"].shape[:2]
        canvas = np.zeros((max(height, target_h), max(width, target_w), 3), np.uint8)
        canvas[:height, :width] = img
        y = np.random.randint(0, canvas.shape[0] - target_h) if canvas.shape[0] > target_h else 0
        x = np.random.randint(0, canvas.shape[1] - target_w) if canvas.shape[1] > target_w else 0
        window = canvas[y : y + target_h, x : x + target_w].astype(np.float32)
        mixed = 0.5 * results["img"].astype(np.float32) + 0.5 * window
        boxes = self._move(other["gt_bboxes"] * scale, (height, width), is_flipped)
        self._add_boxes(results, boxes, other["gt_labels"], (x, y))
        results["img"] = mixed.astype(np.uint8)
        results["img_shape"] = mixed.shape
        return results

    def _prepare(
        self, img: np.ndarray, factor: float, is_flipped: bool
    ) -> tuple[np.ndarray, float]:
        """Returns the other image as it is pasted, and the factor of its coordinates."""
        scale = min(self.dynamic_scale[0] / img.shape[0], self.dynamic_scale[1] / img.shape[1])
        fitted = imresize(img, (int(img.shape[1] * scale), int(img.shape[0] * scale)))
        padded = np.ones((*self.dynamic_scale, *img.shape[2:]), img.dtype) * self.pad_val
        padded[: fitted.shape[0], : fitted.shape[1]] = fitted
        size = (int(padded.shape[1] * factor), int(padded.shape[0] * factor))
        scaled = imresize(padded, size)
        return (scaled[:, ::-1] if is_flipped else scaled), scale * factor

    def _move(self, boxes: np.ndarray, size: tuple[int, int], is_flipped: bool) -> np.ndarray:
        if self.bbox_clip_border:
            clip_boxes(boxes, *size)
        if is_flipped:
            boxes[:, 0::2] = size[1] - boxes[:, 0::2][:, ::-1]
        return boxes

    def _add_boxes(
        self, results: dict[str, Any], boxes: np.ndarray, labels: np.ndarray, origin: Any
    ) -> None:
        size = results["img"].shape[:2]
        moved = boxes - np.tile(origin, 2).astype(boxes.dtype)
        if self.bbox_clip_border:
            clip_boxes(moved, *size)
        if not self.skip_filter:
            kept = is_plausible(
                boxes,
                moved,
                min_size=self.min_bbox_size,
                min_area_ratio=self.min_area_ratio,
                max_aspect_ratio=self.max_aspect_ratio,
            )
            moved, labels = moved[kept], labels[kept]
        all_boxes = np.concatenate((results["gt_bboxes"], moved), axis=0)
        all_labels = np.concatenate((results["gt_labels"], labels), axis=0)
        inside = boxes_inside(all_boxes, *size)
        results["gt_bboxes"], results["gt_labels"] = all_boxes[inside], all_labels[inside]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}dynamic_scale={self.dynamic_scale}, "
            f"ratio_range={self.ratio_range}, flip_ratio={self.flip_ratio}, "
            f"pad_val={self.pad_val}, max_iters={self.max_iters}, skip_filter={self.skip_filter})"
        )


@PIPELINES.register_module()
class CopyPaste:
    """Pastes objects of another image of the same size (Ghiasi et al., 2020, arXiv:2012.07177).

    Args:
        max_num_pasted: largest number of objects.
        bbox_occluded_thr: objects whose box moved by no more than this are kept.
        mask_occluded_thr: objects with more pixels left than this are kept.
        selected: choose objects at random; else all are pasted.
    """

    def __init__(
        self,
        max_num_pasted: int = 100,
        bbox_occluded_thr: float = 10,
        mask_occluded_thr: float = 300,
        selected: bool = True,
    ) -> None:
        self.max_num_pasted = max_num_pasted
        self.bbox_occluded_thr = bbox_occluded_thr
        self.mask_occluded_thr = mask_occluded_thr
        self.selected = selected

    def get_indexes(self, dataset: Any) -> int:
        """Draws the other sample."""
        return np.random.randint(0, len(dataset))

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pastes; objects that are hidden now are dropped, others get smaller boxes and masks."""
        others = results.get("mix_results")
        require(
            others is not None and len(others) == 1,
            "CopyPaste only supports processing 2 images: it needs a MultiImageMixDataset",
        )
        assert others is not None
        other = self._select(others[0]) if self.selected else others[0]
        return self._paste(results, other) if len(other["gt_bboxes"]) else results

    def _select(self, sample: dict[str, Any]) -> dict[str, Any]:
        count = len(sample["gt_bboxes"])
        number = np.random.randint(0, min(count + 1, self.max_num_pasted))
        chosen = np.random.choice(count, size=number, replace=False)
        for key in ("gt_bboxes", "gt_labels", "gt_masks"):
            sample[key] = sample[key][chosen]
        return sample

    def _paste(self, results: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        pasted = other["gt_masks"].masks
        covered = np.any(pasted, axis=0)
        require(
            covered.shape == results["gt_masks"].masks.shape[-2:],
            f"CopyPaste needs images of one size, but got {covered.shape} and"
            f" {results['gt_masks'].masks.shape[-2:]}: resize, crop and pad them before",
        )
        size = covered.shape
        left = BitmapMasks(np.where(covered, 0, results["gt_masks"].masks), *size)
        boxes = left.get_bboxes()
        moved = np.abs(boxes - results["gt_bboxes"])
        kept = np.all(moved <= self.bbox_occluded_thr, axis=-1)
        kept |= left.masks.sum(axis=(1, 2)) > self.mask_occluded_thr
        mask = covered[..., None].astype(int)
        results["img"] = results["img"] * (1 - mask) + other["img"] * mask
        results["gt_bboxes"] = np.concatenate([boxes[kept], other["gt_bboxes"]])
        results["gt_labels"] = np.concatenate([results["gt_labels"][kept], other["gt_labels"]])
        results["gt_masks"] = BitmapMasks(np.concatenate([left.masks[kept], pasted]), *size)
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}max_num_pasted={self.max_num_pasted}, "
            f"bbox_occluded_thr={self.bbox_occluded_thr}, "
            f"mask_occluded_thr={self.mask_occluded_thr}, selected={self.selected}, "
        )
