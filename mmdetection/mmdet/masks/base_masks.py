"""What the masks of the objects of one image can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor

Shape = tuple[int, int]


class BaseInstanceMasks(ABC):
    """Masks of the objects of one image; shapes are (height, width).

    Operations return new masks and leave these as they are.
    """

    masks: Any
    height: int
    width: int

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def rescale(self, scale: Any, interpolation: str = "nearest") -> Any:
        """Scales by a factor, or into (long edge, short edge), and keeps the aspect ratio."""

    @abstractmethod
    def resize(self, out_shape: Shape, interpolation: str = "nearest") -> Any:
        """Scales to ``out_shape``."""

    @abstractmethod
    def flip(self, flip_direction: str = "horizontal") -> Any:
        """Mirrors "horizontal", "vertical" or "diagonal" (both)."""

    @abstractmethod
    def pad(self, out_shape: Shape, pad_val: int = 0) -> Any:
        """Adds ``pad_val`` at the right and at the bottom."""

    @abstractmethod
    def crop(self, bbox: np.ndarray) -> Any:
        """Cuts out a box (4,) x1 y1 x2 y2, at least one pixel of it."""

    @abstractmethod
    def crop_and_resize(
        self,
        bboxes: Any,
        out_shape: Shape,
        inds: Any,
        device: Any = "cpu",
        interpolation: str = "bilinear",
        binarize: bool = True,
    ) -> Any:
        """Cuts a box out of one mask, scales it to ``out_shape``, for each of several boxes.

        Args:
            bboxes: (N, 4) x1 y1 x2 y2.
            out_shape: (height, width) of all results.
            inds: (N,) which mask each box is cut from.
            device: where this is computed.
            interpolation: not used; results are bilinear (bitmaps) or exact (polygons).
            binarize: whether the result is 0 and 1 instead of shares.
        """

    @abstractmethod
    def expand(self, expanded_h: int, expanded_w: int, top: int, left: int) -> Any:
        """Puts the masks at (top, left) into a larger area."""

    @property
    @abstractmethod
    def areas(self) -> np.ndarray:
        """(N,) areas in pixels."""

    @abstractmethod
    def to_ndarray(self) -> np.ndarray:
        """Returns the masks as (N, height, width)."""

    @abstractmethod
    def to_tensor(self, dtype: Any, device: Any) -> Tensor:
        """Returns the masks as (N, height, width)."""

    @abstractmethod
    def translate(
        self,
        out_shape: Shape,
        offset: float,
        direction: str = "horizontal",
        fill_val: int = 0,
        interpolation: str = "bilinear",
    ) -> Any:
        """Moves the masks by ``offset`` pixels."""

    @abstractmethod
    def shear(
        self,
        out_shape: Shape,
        magnitude: float,
        direction: str = "horizontal",
        border_value: int = 0,
        interpolation: str = "bilinear",
    ) -> Any:
        """Shears the masks by ``magnitude``."""

    @abstractmethod
    def rotate(
        self,
        out_shape: Shape,
        angle: float,
        center: tuple[float, float] | None = None,
        scale: float = 1.0,
        fill_val: int = 0,
    ) -> Any:
        """Rotates by ``angle`` degrees clockwise about ``center``, by default the middle."""

    @abstractmethod
    def get_bboxes(self) -> np.ndarray:
        """Returns the boxes (N, 4) x1 y1 x2 y2 around the masks; zeros around empty ones."""


def clipped_box(bbox: np.ndarray, height: int, width: int) -> tuple[np.ndarray, Any, Any]:
    """Returns a box (4,) clipped to the image, its width and its height (at least 1)."""
    assert isinstance(bbox, np.ndarray)
    assert bbox.ndim == 1
    bbox = bbox.copy()
    bbox[0::2] = np.clip(bbox[0::2], 0, width)
    bbox[1::2] = np.clip(bbox[1::2], 0, height)
    return bbox, np.maximum(bbox[2] - bbox[0], 1), np.maximum(bbox[3] - bbox[1], 1)


def check_direction(direction: str, possible: tuple[str, ...]) -> None:
    """Raises if ``direction`` is not possible."""
    assert direction in possible, f"direction must be one of {possible}, but got {direction!r}"


FLIPS = ("horizontal", "vertical", "diagonal")
AXES = ("horizontal", "vertical")
