"""Policies of augmentation (Zoph et al., 2019, arXiv:1906.11172) and the operations they use."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any

import cv2
import numpy as np

from mmcv.image import imrotate, imshear, imtranslate
from mmcv.image.checks import require
from mmdet.datasets.pipelines.compose import Compose
from mmdet.datasets.pipelines.enhance import MAX_LEVEL, require_level
from mmdet.datasets.pipelines.fields import keep_objects
from mmdet.registry import PIPELINES

Corners = np.ndarray  # (n, 4, 2) x, y


@PIPELINES.register_module()
class AutoAugment:
    """Runs one of several pipelines, drawn for each sample.

    Args:
        policies: lists of steps.
    """

    def __init__(self, policies: list[list[dict[str, Any]]]) -> None:
        require(
            isinstance(policies, list) and len(policies) > 0, "Policies must be a non-empty list."
        )
        for policy in policies:
            require(
                isinstance(policy, list) and len(policy) > 0,
                "Each policy in policies must be a non-empty list.",
            )
            require(
                all(isinstance(step, dict) and "type" in step for step in policy),
                'Each specific augmentation must be a dict with key "type".',
            )
        self.policies = copy.deepcopy(policies)
        self.transforms = [Compose(policy) for policy in self.policies]

    def __call__(self, results: dict[str, Any]) -> Any:
        """Returns the sample after the pipeline that was drawn."""
        return self.transforms[np.random.choice(len(self.transforms))](results)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policies={self.policies})"


class _Warp(ABC):
    """A geometric operation of random sign, on image, boxes, masks and label maps.

    Args:
        level: strength, 0..10 of the largest amount.
        prob: chance of the operation.
        img_fill_val: colour where nothing is moved to; one number or three.
        seg_ignore_label: label there.
        random_negative_prob: chance of the opposite direction.
        min_size: boxes of at most this width or height afterwards are dropped.
    """

    def __init__(
        self,
        level: float,
        prob: float,
        img_fill_val: float | tuple[float, ...],
        seg_ignore_label: int,
        random_negative_prob: float,
        min_size: float = 0,
    ) -> None:
        require_level(level, prob)
        if isinstance(img_fill_val, (float, int)):
            img_fill_val = (img_fill_val,) * 3
        elif not isinstance(img_fill_val, tuple):
            raise ValueError("img_fill_val must be float or tuple with 3 elements.")
        require(
            len(img_fill_val) == 3 and all(0 <= value <= 255 for value in img_fill_val),
            f"img_fill_val must be three numbers in 0..255, but got {img_fill_val}",
        )
        self.level = level
        self.prob = prob
        self.img_fill_val = tuple(float(value) for value in img_fill_val)
        self.seg_ignore_label = seg_ignore_label
        self.random_negative_prob = random_negative_prob
        self.min_size = min_size

    @abstractmethod
    def amount(self) -> float:
        """Returns the amount at this level."""

    @abstractmethod
    def warp_img(self, img: np.ndarray, amount: float, fill: Any) -> np.ndarray:
        """Warps an image or a label map."""

    @abstractmethod
    def warp_boxes(self, boxes: np.ndarray, amount: float, size: tuple[int, int]) -> np.ndarray:
        """Warps (n, 4) boxes of an image of ``size`` (height, width)."""

    @abstractmethod
    def warp_masks(self, masks: Any, amount: float, size: tuple[int, int]) -> Any:
        """Warps instance masks."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Warps every field, or not; boxes without area are dropped."""
        if np.random.rand() > self.prob:
            return results
        amount = self.amount()
        amount = -amount if np.random.rand() < self.random_negative_prob else amount
        for key in results.get("img_fields", ["img"]):
            img = results[key]
            results[key] = self.warp_img(img, amount, self.img_fill_val).astype(img.dtype)
            results["img_shape"] = results[key].shape
        size = results["img_shape"][:2]
        for key in results.get("bbox_fields", []):
            boxes = results[key]
            results[key] = self.warp_boxes(boxes, amount, size).astype(boxes.dtype)
        for key in results.get("mask_fields", []):
            results[key] = self.warp_masks(results[key], amount, size)
        for key in results.get("seg_fields", []):
            seg = results[key]
            results[key] = self.warp_img(seg, amount, self.seg_ignore_label).astype(seg.dtype)
        for key in results.get("bbox_fields", []):
            boxes = results[key]
            keep_objects(results, key, ((boxes[:, 2:] - boxes[:, :2]) > self.min_size).all(axis=1))
        return results

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={value}" for key, value in vars(self).items())
        return f"{type(self).__name__}({values})"


@PIPELINES.register_module()
class Shear(_Warp):
    """Shears; see _Warp.

    Args:
        level: see there, as what is not named here.
        img_fill_val: see there.
        seg_ignore_label: see there.
        prob: see there.
        direction: "horizontal" or "vertical".
        max_shear_magnitude: at level 10.
        random_negative_prob: see there.
        interpolation: of image and label maps.
    """

    def __init__(
        self,
        level: float,
        img_fill_val: float | tuple[float, ...] = 128,
        seg_ignore_label: int = 255,
        prob: float = 0.5,
        direction: str = "horizontal",
        max_shear_magnitude: float = 0.3,
        random_negative_prob: float = 0.5,
        interpolation: str = "bilinear",
    ) -> None:
        super().__init__(level, prob, img_fill_val, seg_ignore_label, random_negative_prob)
        _require_direction(direction)
        require(
            isinstance(max_shear_magnitude, float) and 0 <= max_shear_magnitude <= 1,
            f"max_shear_magnitude must be a float in 0..1, but got {max_shear_magnitude!r}",
        )
        self.direction = direction
        self.max_shear_magnitude = max_shear_magnitude
        self.magnitude = level / MAX_LEVEL * max_shear_magnitude
        self.interpolation = interpolation

    def amount(self) -> float:
        """Returns the magnitude."""
        return self.magnitude

    def warp_img(self, img: np.ndarray, amount: float, fill: Any) -> np.ndarray:
        """Shears an image or a label map."""
        options = {"border_value": fill, "interpolation": self.interpolation}
        return imshear(img, amount, self.direction, **options)

    def warp_boxes(self, boxes: np.ndarray, amount: float, size: tuple[int, int]) -> np.ndarray:
        """Returns the boxes around the sheared corners."""
        is_horizontal = self.direction == "horizontal"
        rows = [[1, amount], [0, 1]] if is_horizontal else [[1, 0], [amount, 1]]
        corners = _corners(boxes).astype(np.float32)
        return _around(corners @ np.array(rows, np.float32).T, size)

    def warp_masks(self, masks: Any, amount: float, size: tuple[int, int]) -> Any:
        """Shears instance masks."""
        options = {"border_value": 0, "interpolation": self.interpolation}
        return masks.shear(size, amount, self.direction, **options)


@PIPELINES.register_module()
class Rotate(_Warp):
    """Rotates; see _Warp.

    Args:
        level: see there, as what is not named here.
        scale: factor of the size.
        center: x, y of the fixed point; one number for both; None: the middle.
        img_fill_val: see there.
        seg_ignore_label: see there.
        prob: see there.
        max_rotate_angle: degrees at level 10, clockwise.
        random_negative_prob: see there.
    """

    def __init__(
        self,
        level: float,
        scale: float = 1,
        center: float | tuple[float, float] | None = None,
        img_fill_val: float | tuple[float, ...] = 128,
        seg_ignore_label: int = 255,
        prob: float = 0.5,
        max_rotate_angle: float = 30,
        random_negative_prob: float = 0.5,
    ) -> None:
        super().__init__(level, prob, img_fill_val, seg_ignore_label, random_negative_prob)
        if isinstance(center, (int, float)):
            center = (center, center)
        require(
            center is None or (isinstance(center, tuple) and len(center) == 2),
            f"center must be x, y or one number, but got {center!r}",
        )
        self.scale = scale
        self.center: tuple[float, float] | None = center
        self.max_rotate_angle = max_rotate_angle
        self.angle = level / MAX_LEVEL * max_rotate_angle

    def amount(self) -> float:
        """Returns the angle."""
        return self.angle

    def warp_img(self, img: np.ndarray, amount: float, fill: Any) -> np.ndarray:
        """Rotates an image or a label map."""
        center = self._center(img.shape[:2])
        return imrotate(img.copy(), amount, center, self.scale, border_value=fill)

    def warp_boxes(self, boxes: np.ndarray, amount: float, size: tuple[int, int]) -> np.ndarray:
        """Returns the boxes around the rotated corners."""
        matrix = cv2.getRotationMatrix2D(self._center(size), -amount, self.scale)
        return _around(_corners(boxes) @ matrix[:, :2].T + matrix[:, 2], size)

    def warp_masks(self, masks: Any, amount: float, size: tuple[int, int]) -> Any:
        """Rotates instance masks."""
        return masks.rotate(size, amount, self._center(size), self.scale, 0)

    def _center(self, size: tuple[int, ...]) -> tuple[float, float]:
        if self.center is not None:
            return self.center
        return (size[1] - 1) * 0.5, (size[0] - 1) * 0.5


@PIPELINES.register_module()
class Translate(_Warp):
    """Translates; see _Warp.

    Args:
        level: see there, as what is not named here.
        prob: see there.
        img_fill_val: see there.
        seg_ignore_label: see there.
        direction: "horizontal" or "vertical".
        max_translate_offset: pixels at level 10.
        random_negative_prob: see there.
        min_size: see there.
    """

    def __init__(
        self,
        level: float,
        prob: float = 0.5,
        img_fill_val: float | tuple[float, ...] = 128,
        seg_ignore_label: int = 255,
        direction: str = "horizontal",
        max_translate_offset: float = 250.0,
        random_negative_prob: float = 0.5,
        min_size: float = 0,
    ) -> None:
        common = (seg_ignore_label, random_negative_prob, min_size)
        super().__init__(level, prob, img_fill_val, *common)
        _require_direction(direction)
        self.direction = direction
        self.max_translate_offset = max_translate_offset
        self.offset = int(level / MAX_LEVEL * max_translate_offset)

    def amount(self) -> float:
        """Returns the offset in pixels."""
        return self.offset

    def warp_img(self, img: np.ndarray, amount: float, fill: Any) -> np.ndarray:
        """Translates an image or a label map."""
        return imtranslate(img.copy(), amount, self.direction, fill)

    def warp_boxes(self, boxes: np.ndarray, amount: float, size: tuple[int, int]) -> np.ndarray:
        """Moves boxes; the side that leaves the image is cut, the other one is not."""
        axis = 0 if self.direction == "horizontal" else 1
        moved = boxes.copy()
        moved[:, axis] = np.maximum(0, boxes[:, axis] + amount)
        moved[:, axis + 2] = np.minimum(size[1 - axis], boxes[:, axis + 2] + amount)
        return moved

    def warp_masks(self, masks: Any, amount: float, size: tuple[int, int]) -> Any:
        """Translates instance masks."""
        return masks.translate(size, amount, self.direction, 0)


def _require_direction(direction: str) -> None:
    require(
        direction in ("horizontal", "vertical"),
        f'direction should be "horizontal" or "vertical", got {direction!r}.',
    )


def _corners(boxes: np.ndarray) -> Corners:
    return boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(-1, 4, 2)


def _around(corners: Corners, size: tuple[int, int]) -> np.ndarray:
    """Returns the boxes around corners, clipped to the image."""
    limits = np.array([size[1], size[0]], dtype=corners.dtype)
    low = np.clip(corners.min(axis=1), 0, limits)
    high = np.clip(corners.max(axis=1), low, limits)
    return np.concatenate([low, high], axis=1)
