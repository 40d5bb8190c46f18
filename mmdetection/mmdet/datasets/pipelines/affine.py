"""Random rotation, scaling, shearing and translation in one warp."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from mmcv.image.checks import require
from mmdet.datasets.pipelines.fields import boxes_inside, clip_boxes, is_plausible
from mmdet.registry import PIPELINES


@PIPELINES.register_module()
class RandomAffine:
    """Warps image and boxes (YOLOX, arXiv:2107.08430).

    Args:
        max_rotate_degree: largest angle.
        max_translate_ratio: largest translation, as a share of the sides.
        scaling_ratio_range: of the factor.
        max_shear_degree: largest angle of the shear.
        border: (height, width) added on each side of the output; negative after a mosaic.
        border_val: colour where nothing is warped to.
        min_bbox_size: see is_plausible, as the next two; unless ``skip_filter``.
        min_area_ratio: see there.
        max_aspect_ratio: see there.
        bbox_clip_border: clip boxes to the image.
        skip_filter: keep all boxes inside of the image.
    """

    def __init__(
        self,
        max_rotate_degree: float = 10.0,
        max_translate_ratio: float = 0.1,
        scaling_ratio_range: tuple[float, float] = (0.5, 1.5),
        max_shear_degree: float = 2.0,
        border: tuple[int, int] = (0, 0),
        border_val: tuple[float, ...] = (114, 114, 114),
        min_bbox_size: float = 2,
        min_area_ratio: float = 0.2,
        max_aspect_ratio: float = 20,
        bbox_clip_border: bool = True,
        skip_filter: bool = True,
    ) -> None:
        require(0 <= max_translate_ratio <= 1, "max_translate_ratio must be in 0..1")
        require(
            0 < scaling_ratio_range[0] <= scaling_ratio_range[1],
            f"scaling_ratio_range must be (lowest, highest) above 0: {scaling_ratio_range}",
        )
        self.max_rotate_degree = max_rotate_degree
        self.max_translate_ratio = max_translate_ratio
        self.scaling_ratio_range = scaling_ratio_range
        self.max_shear_degree = max_shear_degree
        self.border = border
        self.border_val = border_val
        self.min_bbox_size = min_bbox_size
        self.min_area_ratio = min_area_ratio
        self.max_aspect_ratio = max_aspect_ratio
        self.bbox_clip_border = bbox_clip_border
        self.skip_filter = skip_filter

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Warps img and the boxes of every field; sets img_shape."""
        if "gt_masks" in results:
            raise NotImplementedError("RandomAffine only supports bbox.")
        img = results["img"]
        height = img.shape[0] + self.border[0] * 2
        width = img.shape[1] + self.border[1] * 2
        matrix, scale = self._draw_matrix(height, width)
        results["img"] = cv2.warpPerspective(
            img, matrix, dsize=(width, height), borderValue=self.border_val
        )
        results["img_shape"] = results["img"].shape
        for key in results.get("bbox_fields", []):
            boxes = results[key]
            if len(boxes) == 0:
                continue
            warped = _warp_boxes(boxes, matrix)
            if self.bbox_clip_border:
                clip_boxes(warped, height, width)
            kept = boxes_inside(warped, height, width)
            if not self.skip_filter:
                kept &= self.filter_gt_bboxes(boxes * scale, warped)
            results[key] = warped[kept]
            if key == "gt_bboxes" and "gt_labels" in results:
                results["gt_labels"] = results["gt_labels"][kept]
        return results

    def filter_gt_bboxes(self, origin_bboxes: np.ndarray, wrapped_bboxes: np.ndarray) -> np.ndarray:
        """Returns (n,) bool: whether boxes still show their object."""
        return is_plausible(
            origin_bboxes,
            wrapped_bboxes,
            min_size=self.min_bbox_size,
            min_area_ratio=self.min_area_ratio,
            max_aspect_ratio=self.max_aspect_ratio,
        )

    def _draw_matrix(self, height: int, width: int) -> tuple[np.ndarray, float]:
        """Draws the (3, 3) float32 matrix of the warp; also returns its scaling factor."""
        angle = math.radians(_symmetric(self.max_rotate_degree))
        scale = np.random.uniform(*self.scaling_ratio_range)
        shear_x = math.radians(_symmetric(self.max_shear_degree))
        shear_y = math.radians(_symmetric(self.max_shear_degree))
        shift_x = _symmetric(self.max_translate_ratio) * width
        shift_y = _symmetric(self.max_translate_ratio) * height
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = _matrix([[cos, -sin, 0], [sin, cos, 0]])
        scaling = _matrix([[scale, 0, 0], [0, scale, 0]])
        shear = _matrix([[1, np.tan(shear_x), 0], [np.tan(shear_y), 1, 0]])
        translation = _matrix([[1, 0, shift_x], [0, 1, shift_y]])
        return translation @ shear @ rotation @ scaling, scale

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(max_rotate_degree={self.max_rotate_degree}, "
            f"max_translate_ratio={self.max_translate_ratio}, "
            f"scaling_ratio={self.scaling_ratio_range}, "
            f"max_shear_degree={self.max_shear_degree}, border={self.border}, "
            f"border_val={self.border_val}, skip_filter={self.skip_filter})"
        )


def _symmetric(limit: float) -> float:
    return np.random.uniform(-limit, limit)


def _matrix(rows: list[list[Any]]) -> np.ndarray:
    return np.array([*rows, [0, 0, 1]], dtype=np.float32)


def _warp_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns the boxes around the warped corners."""
    xs = boxes[:, [0, 0, 2, 2]].reshape(-1)
    ys = boxes[:, [1, 3, 3, 1]].reshape(-1)
    points = matrix @ np.vstack([xs, ys, np.ones_like(xs)])
    points = points[:2] / points[2]
    xs, ys = points[0].reshape(-1, 4), points[1].reshape(-1, 4)
    return np.vstack((xs.min(1), ys.min(1), xs.max(1), ys.max(1))).T
