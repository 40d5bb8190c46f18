"""Random crops that avoid being filled by one class."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmseg.registry import PIPELINES

CropBox = tuple[int, int, int, int]

# Crops tried before one that is dominated by a class is taken nevertheless.
MAX_TRIES = 10


@PIPELINES.register_module()
class RandomCrop:
    """Cuts a random window out of the image and its label maps.

    Args:
        crop_size: (height, width) of the window; smaller images are left as they are.
        cat_max_ratio: largest share of the window that one class may have.
        ignore_index: label value that does not count as a class.
    """

    def __init__(
        self, crop_size: tuple[int, int], cat_max_ratio: float = 1.0, ignore_index: int = 255
    ) -> None:
        require(crop_size[0] > 0 and crop_size[1] > 0, f"crop_size must be positive: {crop_size}")
        self.crop_size = crop_size
        self.cat_max_ratio = cat_max_ratio
        self.ignore_index = ignore_index

    def get_crop_bbox(self, img: np.ndarray) -> CropBox:
        """Draws a window: y1, y2, x1, x2 in pixels, ends exclusive."""
        margin_h = max(img.shape[0] - self.crop_size[0], 0)
        margin_w = max(img.shape[1] - self.crop_size[1], 0)
        y = np.random.randint(0, margin_h + 1)
        x = np.random.randint(0, margin_w + 1)
        return y, y + self.crop_size[0], x, x + self.crop_size[1]

    def crop(self, img: np.ndarray, crop_bbox: CropBox) -> np.ndarray:
        """Returns the window of ``img``."""
        y1, y2, x1, x2 = crop_bbox
        return img[y1:y2, x1:x2, ...]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crops ``img`` and all ``seg_fields``; updates ``img_shape``."""
        img = results["img"]
        crop_bbox = self.get_crop_bbox(img)
        if self.cat_max_ratio < 1.0:
            for _ in range(MAX_TRIES):
                if not self._is_dominated(self.crop(results["gt_semantic_seg"], crop_bbox)):
                    break
                crop_bbox = self.get_crop_bbox(img)
        results["img"] = self.crop(img, crop_bbox)
        results["img_shape"] = results["img"].shape
        for key in results.get("seg_fields", []):
            results[key] = self.crop(results[key], crop_bbox)
        return results

    def _is_dominated(self, seg_map: np.ndarray) -> bool:
        """Whether one class fills the window, or there is none at all."""
        if seg_map.dtype == np.uint8:  # several times faster than sorting the pixels
            labels, counts = np.arange(256), np.bincount(seg_map.ravel(), minlength=256)
        else:
            labels, counts = np.unique(seg_map, return_counts=True)
        counts = counts[(labels != self.ignore_index) & (counts > 0)]
        return len(counts) <= 1 or counts.max() / counts.sum() >= self.cat_max_ratio

    def __repr__(self) -> str:
        return f"{type(self).__name__}(crop_size={self.crop_size})"
