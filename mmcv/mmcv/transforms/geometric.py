"""Flipping, rotating and padding images together with label maps, boxes and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmcv.image import imflip, impad, impad_to_multiple, imrotate
from mmcv.image.checks import require
from mmcv.registry import PIPELINES

DIRECTIONS = ("horizontal", "vertical", "diagonal")


@PIPELINES.register_module()
class RandomFlip:
    """Flips by chance; ``flip`` and ``flip_direction`` in the sample (MultiScaleFlipAug) win.

    Args:
        prob: chance of a flip; a list gives one chance per direction.
        direction: "horizontal", "vertical", "diagonal" (both), or a list to choose from.
        flip_ratio: the name of ``prob`` in detection. With it a sample that is not flipped has the
            direction None; with ``prob`` it has the direction it might have had.
    """

    def __init__(
        self,
        prob: float | list[float] | None = None,
        direction: str | list[str] = "horizontal",
        flip_ratio: float | list[float] | None = None,
    ) -> None:
        require(prob is None or flip_ratio is None, "give only one of prob and flip_ratio")
        chance = prob if flip_ratio is None else flip_ratio
        directions = direction if isinstance(direction, list) else [direction]
        require(
            all(d in DIRECTIONS for d in directions),
            f"direction must be one of {', '.join(DIRECTIONS)} or a list, but got {direction!r}",
        )
        require(
            not isinstance(chance, list) or len(chance) == len(directions),
            f"there must be one chance per direction, but got {chance!r} for {direction!r}",
        )
        total = sum(chance) if isinstance(chance, list) else chance
        require(
            total is None or 0 <= total <= 1,
            f"chances must be in 0..1 together, but got {chance!r}",
        )
        self.prob = chance
        self.direction = direction
        self._none_if_not_flipped = flip_ratio is not None or isinstance(direction, list)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Flips every field; sets flip and flip_direction."""
        direction = None
        if "flip" not in results:
            direction = self._draw_direction()
            results["flip"] = direction is not None
        if "flip_direction" not in results:
            unused = None if self._none_if_not_flipped else self.direction
            results["flip_direction"] = direction or unused
        if results["flip"]:
            self._flip(results)
        return results

    def _draw_direction(self) -> str | None:
        if self.prob is None:
            raise ValueError("RandomFlip needs prob, or flip in the sample (MultiScaleFlipAug)")
        if isinstance(self.direction, str):
            chance = self.prob[0] if isinstance(self.prob, list) else self.prob
            return self.direction if np.random.rand() < chance else None
        chances = self.prob
        if not isinstance(chances, list):
            chances = [chances / len(self.direction)] * len(self.direction)
        outcomes = np.array([*self.direction, None], dtype=object)
        return np.random.choice(outcomes, p=[*chances, 1 - sum(chances)])

    def _flip(self, results: dict[str, Any]) -> None:
        direction = results["flip_direction"]
        for key in results.get("img_fields", ["img"]):
            results[key] = imflip(results[key], direction)
        for key in results.get("bbox_fields", []):
            results[key] = self.bbox_flip(results[key], results["img_shape"], direction)
        for key in results.get("mask_fields", []):
            results[key] = results[key].flip(direction)
        for key in results.get("seg_fields", []):
            results[key] = imflip(results[key], direction).copy()  # torch takes no views

    def bbox_flip(
        self, bboxes: np.ndarray, img_shape: tuple[int, ...], direction: str
    ) -> np.ndarray:
        """Flips boxes.

        Args:
            bboxes: (..., 4 k) x1 y1 x2 y2 in pixels.
            img_shape: height, width of the image.
            direction: of the flip.
        """
        require(bboxes.shape[-1] % 4 == 0, f"boxes must be (..., 4 k), but got {bboxes.shape}")
        flipped = bboxes.copy()
        if direction in ("horizontal", "diagonal"):
            flipped[..., 0::4] = img_shape[1] - bboxes[..., 2::4]
            flipped[..., 2::4] = img_shape[1] - bboxes[..., 0::4]
        if direction in ("vertical", "diagonal"):
            flipped[..., 1::4] = img_shape[0] - bboxes[..., 3::4]
            flipped[..., 3::4] = img_shape[0] - bboxes[..., 1::4]
        return flipped

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prob={self.prob})"


@PIPELINES.register_module()
class Pad:
    """Pads right and bottom, to a size or to multiples of a number.

    Args:
        size: (height, width); exactly one of size, size_divisor and pad_to_square is given.
        size_divisor: of height and width.
        pad_val: of images, or ``dict(img=, masks=, seg=)``. As in OpenCV a single number fills
            the first channel only, so give a tuple if it is not 0.
        seg_pad_val: of label maps.
        pad_to_square: pad the shorter side to the longer.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        size_divisor: int | None = None,
        pad_val: float | Sequence[float] | Mapping[str, Any] = 0,
        seg_pad_val: int = 255,
        pad_to_square: bool = False,
    ) -> None:
        given = (size is not None) + (size_divisor is not None) + bool(pad_to_square)
        require(given == 1, "Pad needs exactly one of size, size_divisor and pad_to_square")
        self.size = size
        self.size_divisor = size_divisor
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.pad_to_square = pad_to_square
        values = pad_val if isinstance(pad_val, Mapping) else {"img": pad_val}
        self._img_value = values.get("img", 0)
        self._mask_value = values.get("masks", 0)
        self._seg_value = values.get("seg", seg_pad_val)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pads every field; sets pad_shape, pad_fixed_size and pad_size_divisor."""
        for key in results.get("img_fields", ["img"]):
            results[key] = self._pad_img(results[key])
            results["pad_shape"] = results[key].shape
        is_square = self.pad_to_square
        results["pad_fixed_size"] = results["pad_shape"][:2] if is_square else self.size
        results["pad_size_divisor"] = self.size_divisor
        for key in results.get("mask_fields", []):
            results[key] = results[key].pad(results["pad_shape"][:2], pad_val=self._mask_value)
        for key in results.get("seg_fields", []):
            results[key] = impad(
                results[key], shape=results["pad_shape"][:2], pad_val=self._seg_value
            )
        return results

    def _pad_img(self, img: np.ndarray) -> np.ndarray:
        if self.size_divisor is not None:
            return impad_to_multiple(img, self.size_divisor, pad_val=self._img_value)
        longest = max(img.shape[:2])
        return impad(img, shape=self.size or (longest, longest), pad_val=self._img_value)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, size_divisor={self.size_divisor}, "
            f"pad_val={self.pad_val})"
        )


@PIPELINES.register_module()
class PadShortSide:
    """Pads sides that are shorter than a size, right and bottom.

    Args:
        size: least height and width.
        pad_val: of the image; see Pad.
        seg_pad_val: of label maps.
    """

    def __init__(
        self,
        size: int | None = None,
        pad_val: float | tuple[float, ...] = 0,
        seg_pad_val: int = 255,
    ) -> None:
        require(size is not None, "PadShortSide needs a size")
        self.size: int = size or 0
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pads image and label maps; sets pad_shape if anything was padded."""
        h, w = results["img"].shape[:2]
        if h >= self.size and w >= self.size:
            return results
        shape = (max(h, self.size), max(w, self.size))
        results["img"] = impad(results["img"], shape=shape, pad_val=self.pad_val)
        results["pad_shape"] = results["img"].shape
        for key in results.get("seg_fields", []):
            results[key] = impad(results[key], shape=shape, pad_val=self.seg_pad_val)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, pad_val={self.pad_val})"


@PIPELINES.register_module()
class RandomRotate:
    """Rotates image and label maps by chance.

    Args:
        prob: chance of a rotation.
        degree: range of the angle; one number means -degree..degree.
        pad_val: of the image, where nothing is rotated to.
        seg_pad_val: of label maps.
        center: x, y of the fixed point; None: the middle.
        auto_bound: enlarge so that nothing is cut off.
    """

    def __init__(
        self,
        prob: float,
        degree: float | tuple[float, float],
        pad_val: float = 0,
        seg_pad_val: int = 255,
        center: tuple[float, float] | None = None,
        auto_bound: bool = False,
    ) -> None:
        require(0 <= prob <= 1, f"prob must be in 0..1, but got {prob}")
        if isinstance(degree, (float, int)):
            require(degree > 0, f"degree {degree} should be positive")
            degree = (-degree, degree)
        require(len(degree) == 2, f"degree must be a number or (low, high), but got {degree!r}")
        self.prob = prob
        self.degree = degree
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.center = center
        self.auto_bound = auto_bound

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Rotates; shapes in the sample are left as they are."""
        rotate = np.random.rand() < self.prob
        degree = np.random.uniform(min(*self.degree), max(*self.degree))
        if not rotate:
            return results
        options: dict[str, Any] = {"center": self.center, "auto_bound": self.auto_bound}
        results["img"] = imrotate(results["img"], degree, border_value=self.pad_val, **options)
        for key in results.get("seg_fields", []):
            results[key] = imrotate(
                results[key],
                degree,
                border_value=self.seg_pad_val,
                interpolation="nearest",
                **options,
            )
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(prob={self.prob}, degree={self.degree}, "
            f"pad_val={self.pad_val}, seg_pad_val={self.seg_pad_val}, center={self.center}, "
            f"auto_bound={self.auto_bound})"
        )
