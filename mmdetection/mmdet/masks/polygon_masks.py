"""Masks as polygons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from mmcv import image
from mmdet.boxes.demodata import Rng, ensure_rng
from mmdet.masks.base_masks import (
    AXES,
    FLIPS,
    BaseInstanceMasks,
    Shape,
    check_direction,
    clipped_box,
)
from mmdet.masks.bitmap_masks import BitmapMasks

Polygons = list[list[np.ndarray]]


class PolygonMasks(BaseInstanceMasks):
    """Masks as a list of polygons for each object: arrays x0 y0 x1 y1 ... in pixels.

    Args:
        masks: such a list for each object.
        height: of the image.
        width: likewise.
    """

    masks: Polygons

    def __init__(self, masks: Polygons, height: int, width: int) -> None:
        assert isinstance(masks, list)
        for polygons in masks:
            assert isinstance(polygons, list)
            assert all(isinstance(polygon, np.ndarray) for polygon in polygons)
        self.height = height
        self.width = width
        self.masks = masks

    def __getitem__(self, index: Any) -> PolygonMasks:
        """Chooses by an index, a slice, a list or an array of indices, or a mask."""
        if isinstance(index, (np.ndarray, Tensor)):
            index = np.asarray(index)
            index = (np.flatnonzero(index) if index.dtype == bool else index).tolist()
        if isinstance(index, list):
            return PolygonMasks([self.masks[i] for i in index], self.height, self.width)
        try:
            chosen: Any = self.masks[index]
        except TypeError:
            raise ValueError(f"Unsupported input of type {type(index)} for indexing!") from None
        chosen = chosen if isinstance(index, slice) else [chosen]
        return PolygonMasks(chosen, self.height, self.width)

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        return iter(self.masks)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_masks={len(self)}, height={self.height},"
            f" width={self.width})"
        )

    def __len__(self) -> int:
        return len(self.masks)

    def _each(self, function: Callable[[np.ndarray], np.ndarray], out_shape: Shape) -> PolygonMasks:
        """Applies ``function`` to the corners (K, 2) of each polygon."""
        return PolygonMasks([[_map(function, p) for p in ps] for ps in self.masks], *out_shape)

    def rescale(self, scale: Any, interpolation: Any = None) -> PolygonMasks:
        """See the base class."""
        width, height = image.rescale_size((self.width, self.height), scale)
        return self.resize((height, width))

    def resize(self, out_shape: Shape, interpolation: Any = None) -> PolygonMasks:
        """See the base class."""
        factors = np.array([out_shape[1] / self.width, out_shape[0] / self.height])
        return self._each(lambda corners: corners * factors, out_shape)

    def flip(self, flip_direction: str = "horizontal") -> PolygonMasks:
        """See the base class."""
        check_direction(flip_direction, FLIPS)

        def mirror(corners: np.ndarray) -> np.ndarray:
            corners = corners.copy()
            if flip_direction != "vertical":
                corners[:, 0] = self.width - corners[:, 0]
            if flip_direction != "horizontal":
                corners[:, 1] = self.height - corners[:, 1]
            return corners

        return self._each(mirror, (self.height, self.width))

    def crop(self, bbox: np.ndarray) -> PolygonMasks:
        """See the base class; what lies outside is cut off when pixels are made."""
        bbox, width, height = clipped_box(bbox, self.height, self.width)
        return self._each(lambda corners: corners - bbox[:2], (height, width))

    def pad(self, out_shape: Shape, pad_val: int = 0) -> PolygonMasks:
        """See the base class."""
        return PolygonMasks(self.masks, *out_shape)

    def expand(self, expanded_h: int, expanded_w: int, top: int, left: int) -> PolygonMasks:
        """See the base class."""
        shift = np.array([left, top])
        return self._each(lambda corners: corners + shift, (expanded_h, expanded_w))

    def crop_and_resize(
        self,
        bboxes: Any,
        out_shape: Shape,
        inds: Any,
        device: Any = "cpu",
        interpolation: str = "bilinear",
        binarize: bool = True,
    ) -> PolygonMasks:
        """See the base class; ``device`` has no effect."""
        if len(self) == 0:
            return PolygonMasks([], *out_shape)
        if not binarize:
            raise ValueError("Polygons are always binary, setting binarize=False is unsupported")
        size = np.array([out_shape[1], out_shape[0]])
        resized = []
        for box, index in zip(np.asarray(bboxes), np.asarray(inds), strict=True):
            factors = size / np.maximum(box[2:] - box[:2], 1)
            cut = partial(_shift_and_scale, shift=box[:2], factors=factors)
            resized.append([_map(cut, polygon) for polygon in self.masks[int(index)]])
        return PolygonMasks(resized, *out_shape)

    def translate(
        self,
        out_shape: Shape,
        offset: float,
        direction: str = "horizontal",
        fill_val: int | None = None,
        interpolation: Any = None,
    ) -> PolygonMasks:
        """See the base class; corners are kept inside of ``out_shape``."""
        check_direction(direction, AXES)
        assert fill_val in (None, 0), f"polygons can only be filled with 0, but got {fill_val}"
        axis = AXES.index(direction)
        limit = out_shape[1 - axis]

        def move(corners: np.ndarray) -> np.ndarray:
            corners = corners.copy()
            corners[:, axis] = np.clip(corners[:, axis] + offset, 0, limit)
            return corners

        return self._each(move, out_shape)

    def shear(
        self,
        out_shape: Shape,
        magnitude: float,
        direction: str = "horizontal",
        border_value: int = 0,
        interpolation: Any = None,
    ) -> PolygonMasks:
        """See the base class; corners are kept inside of ``out_shape``."""
        check_direction(direction, AXES)
        matrix = np.eye(2, 3, dtype=np.float32)
        axis = AXES.index(direction)
        matrix[axis, 1 - axis] = magnitude
        return self._affine(matrix, out_shape)

    def rotate(
        self,
        out_shape: Shape,
        angle: float,
        center: tuple[float, float] | None = None,
        scale: float = 1.0,
        fill_val: int = 0,
    ) -> PolygonMasks:
        """See the base class; corners are kept inside of ``out_shape``."""
        middle = center or ((self.width - 1) * 0.5, (self.height - 1) * 0.5)
        return self._affine(cv2.getRotationMatrix2D(middle, -angle, scale), out_shape)

    def _affine(self, matrix: np.ndarray, out_shape: Shape) -> PolygonMasks:
        limit = np.array([out_shape[1], out_shape[0]])
        return self._each(
            lambda corners: np.clip(corners @ matrix[:, :2].T + matrix[:, 2], 0, limit), out_shape
        )

    def to_bitmap(self) -> BitmapMasks:
        """Returns the masks as pixels."""
        return BitmapMasks(self.to_ndarray(), self.height, self.width)

    @property
    def areas(self) -> np.ndarray:
        """(N,) areas: the sum over an object's polygons, by the shoelace formula."""
        return np.asarray([sum(map(_area, polygons)) for polygons in self.masks])

    def to_ndarray(self) -> np.ndarray:
        """See the base class; bool, drawn as pycocotools does."""
        if len(self) == 0:
            return np.zeros((0, self.height, self.width), dtype=np.uint8)
        return np.stack([polygon_to_bitmap(p, self.height, self.width) for p in self.masks])

    def to_tensor(self, dtype: Any, device: Any) -> Tensor:
        """See the base class."""
        return torch.tensor(self.to_ndarray(), dtype=dtype, device=device)

    def get_bboxes(self) -> np.ndarray:
        """See the base class."""
        boxes = np.zeros((len(self), 4), dtype=np.float32)
        for box, polygons in zip(boxes, self.masks, strict=True):
            if sum(map(len, polygons)):
                corners = np.concatenate([p.reshape(-1, 2) for p in polygons]).astype(np.float32)
                box[:2], box[2:] = corners.min(axis=0), corners.max(axis=0)
        return boxes

    @classmethod
    def random(
        cls,
        num_masks: int = 3,
        height: int = 32,
        width: int = 32,
        n_verts: int = 5,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> PolygonMasks:
        """Draws masks of one polygon with ``n_verts`` corners each, for tests."""
        from mmdet.masks.random_polygon import random_polygon

        generator = ensure_rng(rng)
        polygons = [random_polygon(n_verts, generator) for _ in range(num_masks)]
        scaled = [(corners * [(width, height)]).astype(dtype) for corners in polygons]
        return cls([[corners.ravel()] for corners in scaled], height, width)


def polygon_to_bitmap(polygons: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """Draws the polygons of one object as (height, width) bool; those without area as nothing."""
    from pycocotools import mask as mask_utils

    drawable = [p for p in polygons if len(p) >= 6 and np.isfinite(p).all()]
    if not drawable:
        return np.zeros((height, width), dtype=bool)
    objects: Any = [p.astype(np.float64) for p in drawable]
    rles: Any = mask_utils.frPyObjects(objects, height, width)
    return np.asarray(mask_utils.decode(mask_utils.merge(rles))).astype(bool)


def _map(function: Callable[[np.ndarray], np.ndarray], polygon: np.ndarray) -> np.ndarray:
    """Applies ``function`` to the corners (K, 2); floats keep their dtype."""
    made = function(polygon.reshape(-1, 2)).reshape(-1)
    return made.astype(polygon.dtype) if polygon.dtype.kind == "f" else made


def _shift_and_scale(corners: np.ndarray, shift: np.ndarray, factors: np.ndarray) -> np.ndarray:
    return (corners - shift) * factors


def _area(polygon: np.ndarray) -> float:
    x, y = polygon[0::2], polygon[1::2]
    return 0.5 * np.abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
