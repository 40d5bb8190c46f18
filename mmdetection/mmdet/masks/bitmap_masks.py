"""Masks as pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv import image
from mmcv.ops import roi_align
from mmdet.boxes.demodata import Rng, ensure_rng
from mmdet.masks.base_masks import FLIPS, BaseInstanceMasks, Shape, check_direction, clipped_box


class BitmapMasks(BaseInstanceMasks):
    """Masks as an array (N, height, width), not 0 inside of the object.

    Args:
        masks: such an array, or a list of (height, width) ones.
        height: also that of no masks.
        width: likewise.
    """

    masks: np.ndarray

    def __init__(self, masks: Any, height: int, width: int) -> None:
        self.height = int(height)
        self.width = int(width)
        if len(masks) == 0:
            self.masks = np.zeros((0, self.height, self.width), dtype=np.uint8)
            return
        assert isinstance(masks, (list, np.ndarray))
        if isinstance(masks, list):
            assert all(isinstance(mask, np.ndarray) and mask.ndim == 2 for mask in masks)
        else:
            assert masks.ndim == 3
        self.masks = np.array(masks)
        assert self.masks.shape[1:] == (self.height, self.width), (
            f"masks have shape {self.masks.shape[1:]}, not {(self.height, self.width)}"
        )

    def __getitem__(self, index: Any) -> BitmapMasks:
        chosen = self.masks[index].reshape(-1, self.height, self.width)
        return BitmapMasks(chosen, self.height, self.width)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.masks)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_masks={len(self)}, height={self.height},"
            f" width={self.width})"
        )

    def __len__(self) -> int:
        return len(self.masks)

    def _each(self, function: Callable[[np.ndarray], np.ndarray], out_shape: Shape) -> BitmapMasks:
        """Applies ``function`` to each mask (height, width); the dtype stays."""
        made = [function(mask).astype(self.masks.dtype, copy=False) for mask in self.masks]
        return BitmapMasks(np.stack(made) if made else [], *out_shape)

    def rescale(self, scale: Any, interpolation: str = "nearest") -> BitmapMasks:
        """See the base class."""
        width, height = image.rescale_size((self.width, self.height), scale)
        return self.resize((height, width), interpolation)

    def resize(self, out_shape: Shape, interpolation: str = "nearest") -> BitmapMasks:
        """See the base class."""
        height, width = (int(side) for side in out_shape)
        return self._each(
            lambda mask: image.imresize(_image(mask), (width, height), interpolation=interpolation),
            (height, width),
        )

    def flip(self, flip_direction: str = "horizontal") -> BitmapMasks:
        """See the base class."""
        check_direction(flip_direction, FLIPS)
        return self._each(lambda mask: image.imflip(mask, flip_direction), self._shape)

    @property
    def _shape(self) -> Shape:
        return self.height, self.width

    def pad(self, out_shape: Shape, pad_val: int = 0) -> BitmapMasks:
        """See the base class."""
        return self._each(
            lambda mask: image.impad(_image(mask), shape=out_shape, pad_val=pad_val), out_shape
        )

    def crop(self, bbox: np.ndarray) -> BitmapMasks:
        """See the base class."""
        bbox, width, height = clipped_box(bbox, *self._shape)
        x, y, width, height = int(bbox[0]), int(bbox[1]), int(width), int(height)
        # A box on the far border still gives one pixel: the last.
        x, y = min(x, max(self.width - width, 0)), min(y, max(self.height - height, 0))
        return BitmapMasks(self.masks[:, y : y + height, x : x + width], height, width)

    def crop_and_resize(
        self,
        bboxes: Any,
        out_shape: Shape,
        inds: Any,
        device: Any = "cpu",
        interpolation: str = "bilinear",
        binarize: bool = True,
    ) -> BitmapMasks:
        """See the base class; shares of at least a half become 1."""
        if len(self) == 0 or len(bboxes) == 0:
            return BitmapMasks([], *out_shape)
        boxes = torch.as_tensor(bboxes, dtype=torch.float32, device=device).nan_to_num()
        # Only the masks that are cut from become floats: there may be thousands of others.
        used, place = np.unique(np.asarray(torch.as_tensor(inds).cpu()), return_inverse=True)
        maps = torch.from_numpy(np.ascontiguousarray(self.masks[used])).to(device).float()
        index = torch.from_numpy(place.reshape(-1, 1)).to(boxes)
        rois = torch.cat([index, boxes], dim=1)
        shares = roi_align(maps[:, None], rois, out_shape, 1.0, 0, "avg", True).squeeze(1)
        return BitmapMasks((shares >= 0.5 if binarize else shares).cpu().numpy(), *out_shape)

    def expand(self, expanded_h: int, expanded_w: int, top: int, left: int) -> BitmapMasks:
        """See the base class."""
        expanded = np.zeros((len(self), expanded_h, expanded_w), dtype=np.uint8)
        expanded[:, top : top + self.height, left : left + self.width] = self.masks
        return BitmapMasks(expanded, expanded_h, expanded_w)

    def translate(
        self,
        out_shape: Shape,
        offset: float,
        direction: str = "horizontal",
        fill_val: int = 0,
        interpolation: str = "bilinear",
    ) -> BitmapMasks:
        """See the base class; the masks are cut or padded to ``out_shape`` first."""
        canvas = np.zeros((len(self), *out_shape), dtype=self.masks.dtype)
        kept = self.masks[:, : out_shape[0], : out_shape[1]]
        canvas[:, : kept.shape[1], : kept.shape[2]] = kept
        return BitmapMasks(canvas, *out_shape)._warped(
            lambda img: image.imtranslate(img, offset, direction, fill_val, interpolation)
        )

    def shear(
        self,
        out_shape: Shape,
        magnitude: float,
        direction: str = "horizontal",
        border_value: int = 0,
        interpolation: str = "bilinear",
    ) -> BitmapMasks:
        """See the base class; ``out_shape`` must be that of the masks."""
        return self._warped(
            lambda img: image.imshear(img, magnitude, direction, border_value, interpolation)
        )

    def rotate(
        self,
        out_shape: Shape,
        angle: float,
        center: tuple[float, float] | None = None,
        scale: float = 1.0,
        fill_val: int = 0,
    ) -> BitmapMasks:
        """See the base class; ``out_shape`` must be that of the masks."""
        return self._warped(
            lambda img: image.imrotate(
                img, angle, center=center, scale=scale, border_value=fill_val
            )
        )

    def _warped(self, function: Callable[[np.ndarray], np.ndarray]) -> BitmapMasks:
        """Applies ``function`` to the masks as channels of one image.

        OpenCV rounds differently for some numbers of channels: all at once is what 1.x does, and
        128 is what OpenCV takes.
        """
        made = [
            function(np.ascontiguousarray(_image(part).transpose(1, 2, 0)))
            .reshape(*self._shape, len(part))
            .transpose(2, 0, 1)
            for part in np.split(self.masks, range(128, len(self), 128))
            if len(part)
        ]
        warped = np.concatenate(made).astype(self.masks.dtype) if made else self.masks
        return BitmapMasks(warped, *self._shape)

    @property
    def areas(self) -> np.ndarray:
        """(N,) numbers of pixels."""
        return self.masks.sum((1, 2))

    def to_ndarray(self) -> np.ndarray:
        """Returns the array of the masks."""
        return self.masks

    def to_tensor(self, dtype: Any, device: Any) -> Tensor:
        """See the base class."""
        return torch.tensor(self.masks, dtype=dtype, device=device)

    def get_bboxes(self) -> np.ndarray:
        """See the base class; the right and bottom borders lie behind the last pixels."""
        boxes = np.zeros((len(self), 4), dtype=np.float32)
        for box, mask in zip(boxes, self.masks, strict=True):
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            if len(columns):
                box[:] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return boxes

    @classmethod
    def random(
        cls,
        num_masks: int = 3,
        height: int = 32,
        width: int = 32,
        dtype: Any = np.uint8,
        rng: Rng = None,
    ) -> BitmapMasks:
        """Draws masks for tests: nine of ten pixels are inside."""
        masks = ensure_rng(rng).rand(num_masks, height, width) > 0.1
        return cls(masks.astype(dtype), height, width)


def _image(mask: np.ndarray) -> np.ndarray:
    """Returns a mask that OpenCV takes: it knows no bool."""
    return mask.astype(np.uint8) if mask.dtype == bool else mask
