"""Resizing images together with label maps, boxes and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.image import imrescale, imresize, imresize_to_multiple
from mmcv.image.checks import require
from mmcv.registry import PIPELINES

Scale = tuple[int, int]


@PIPELINES.register_module()
class Resize:
    """Resizes to a scale that is given, or drawn anew for each sample.

    A scale is two lengths. With ``keep_ratio`` the image becomes as large as fits: the longer
    length bounds the longer edge, the shorter the shorter edge. Without, they are width and
    height. ``scale`` in the sample (of MultiScaleFlipAug, or of an earlier Resize) wins.

    Args:
        img_scale: one scale or a list; None: the image's own size (with ``ratio_range`` only).
        multiscale_mode: with several scales, "value": one of them; "range": lengths between those
            of two scales.
        ratio_range: (lowest, highest) factor of the one scale.
        keep_ratio: keep the aspect ratio.
        min_size: least length of the shorter edge; the longer then follows the aspect ratio.
        bbox_clip_border: clip boxes to the image.
        backend: "cv2" or "pillow".
        interpolation: of images; label maps are always resized to the nearest pixel.
        override: draw even if the sample has a scale, to resize a second time.
    """

    def __init__(
        self,
        img_scale: Scale | list[Scale] | None = None,
        multiscale_mode: str = "range",
        ratio_range: tuple[float, float] | None = None,
        keep_ratio: bool = True,
        min_size: int | None = None,
        bbox_clip_border: bool = True,
        backend: str = "cv2",
        interpolation: str = "bilinear",
        override: bool = False,
    ) -> None:
        scales = img_scale if img_scale is None or isinstance(img_scale, list) else [img_scale]
        require(
            scales is None or all(isinstance(scale, tuple) for scale in scales),
            f"img_scale must be a tuple of two lengths or a list of such, but got {img_scale!r}",
        )
        if ratio_range is None:
            require(
                multiscale_mode in ("value", "range"),
                f"multiscale_mode must be 'value' or 'range', but got {multiscale_mode!r}",
            )
        else:
            require(
                scales is None or len(scales) == 1,
                f"ratio_range goes with one img_scale or none, but got {img_scale!r}",
            )
        self.img_scale = scales
        self.multiscale_mode = multiscale_mode
        self.ratio_range = ratio_range
        self.keep_ratio = keep_ratio
        self.min_size = min_size
        self.bbox_clip_border = bbox_clip_border
        self.backend = backend
        self.interpolation = interpolation
        self.override = override

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resizes every field; sets scale, scale_factor, img_shape, pad_shape and keep_ratio."""
        if "scale" not in results or self.override:
            results["scale"], results["scale_idx"] = self._draw_scale(results)
        self._resize_img(results)
        self._resize_bboxes(results)
        self._resize_masks(results)
        self._resize_seg(results)
        return results

    @staticmethod
    def random_select(img_scales: list[Scale]) -> tuple[Scale, int]:
        """Draws one of the scales; returns it and its index."""
        index = np.random.randint(len(img_scales))
        return img_scales[index], index

    @staticmethod
    def random_sample(img_scales: list[Scale]) -> tuple[Scale, None]:
        """Draws both lengths between those of two scales."""
        require(len(img_scales) == 2, f"'range' needs two scales, but got {img_scales!r}")
        long_edges = [max(scale) for scale in img_scales]
        short_edges = [min(scale) for scale in img_scales]
        long_edge = np.random.randint(min(long_edges), max(long_edges) + 1)
        short_edge = np.random.randint(min(short_edges), max(short_edges) + 1)
        return (long_edge, short_edge), None

    @staticmethod
    def random_sample_ratio(
        img_scale: Scale, ratio_range: tuple[float, float]
    ) -> tuple[Scale, None]:
        """Draws a factor of the scale."""
        low, high = ratio_range
        require(low <= high, f"ratio_range must be (lowest, highest), but got {ratio_range!r}")
        ratio = np.random.random_sample() * (high - low) + low
        return (int(img_scale[0] * ratio), int(img_scale[1] * ratio)), None

    def _draw_scale(self, results: dict[str, Any]) -> tuple[Scale, int | None]:
        if self.ratio_range is not None:
            h, w = results["img"].shape[:2]
            base = (w, h) if self.img_scale is None else self.img_scale[0]
            return self.random_sample_ratio(base, self.ratio_range)
        if self.img_scale is None:
            raise ValueError("Resize needs img_scale or ratio_range, or a scale in the sample")
        if len(self.img_scale) == 1:
            return self.img_scale[0], 0
        if self.multiscale_mode == "range":
            return self.random_sample(self.img_scale)
        return self.random_select(self.img_scale)

    def _resize_img(self, results: dict[str, Any]) -> None:
        for key in results.get("img_fields", ["img"]):
            img = results[key]
            h, w = img.shape[:2]
            if self.keep_ratio and self.min_size is not None:
                results["scale"] = _scale_of_short_edge((h, w), results["scale"], self.min_size)
            resize: Any = imrescale if self.keep_ratio else imresize
            resized = resize(
                img, results["scale"], interpolation=self.interpolation, backend=self.backend
            )
            # From the sizes after rounding: width and height differ a little in their factors.
            w_scale, h_scale = resized.shape[1] / w, resized.shape[0] / h
            results[key] = resized
            results["img_shape"] = results["pad_shape"] = resized.shape
            results["scale_factor"] = np.array(
                [w_scale, h_scale, w_scale, h_scale], dtype=np.float32
            )
            results["keep_ratio"] = self.keep_ratio

    def _resize_bboxes(self, results: dict[str, Any]) -> None:
        for key in results.get("bbox_fields", []):
            bboxes = results[key] * results["scale_factor"]
            if self.bbox_clip_border:
                h, w = results["img_shape"][:2]
                bboxes[:, 0::2] = np.clip(bboxes[:, 0::2], 0, w)
                bboxes[:, 1::2] = np.clip(bboxes[:, 1::2], 0, h)
            results[key] = bboxes

    def _resize_masks(self, results: dict[str, Any]) -> None:
        for key in results.get("mask_fields", []):
            if results[key] is None:
                continue
            if self.keep_ratio:
                results[key] = results[key].rescale(results["scale"])
            else:
                results[key] = results[key].resize(results["img_shape"][:2])

    def _resize_seg(self, results: dict[str, Any]) -> None:
        resize = imrescale if self.keep_ratio else imresize
        for key in results.get("seg_fields", []):
            results[key] = resize(
                results[key], results["scale"], interpolation="nearest", backend=self.backend
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(img_scale={self.img_scale}, "
            f"multiscale_mode={self.multiscale_mode}, ratio_range={self.ratio_range}, "
            f"keep_ratio={self.keep_ratio})"
        )


def _scale_of_short_edge(
    size: tuple[int, int], scale: tuple[float, float], min_size: int
) -> tuple[float, float]:
    """Returns (height, width) with the shorter edge that of ``scale`` but at least ``min_size``."""
    h, w = size
    short = max(min(scale), min_size)
    return (short * h / w, short) if h > w else (short, short * w / h)


@PIPELINES.register_module()
class SETR_Resize(Resize):
    """Resize whose result is never smaller than the crop window, as SETR's sliding test needs.

    Args:
        img_scale: see Resize, as the next three.
        multiscale_mode: see Resize.
        ratio_range: see Resize.
        keep_ratio: see Resize.
        crop_size: (height, width) of the window; its first number is the least short edge.
        setr_multi_scale: apply that bound.
    """

    def __init__(
        self,
        img_scale: Scale | list[Scale] | None = None,
        multiscale_mode: str = "range",
        ratio_range: tuple[float, float] | None = None,
        keep_ratio: bool = True,
        crop_size: tuple[int, int] | None = None,
        setr_multi_scale: bool = False,
    ) -> None:
        require(crop_size is not None or not setr_multi_scale, "setr_multi_scale needs a crop_size")
        super().__init__(
            img_scale,
            multiscale_mode,
            ratio_range,
            keep_ratio,
            min_size=crop_size[0] if crop_size is not None and setr_multi_scale else None,
        )
        self.crop_size = crop_size
        self.setr_multi_scale = setr_multi_scale


@PIPELINES.register_module()
class ResizeToMultiple:
    """Enlarges image and label maps to the next multiples of a number.

    Args:
        size_divisor: of height and width; the network's patch size or stride.
        interpolation: of the image; None: bilinear.
    """

    def __init__(self, size_divisor: int = 32, interpolation: str | None = None) -> None:
        self.size_divisor = size_divisor
        self.interpolation = interpolation

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resizes; sets img_shape and pad_shape."""
        img = imresize_to_multiple(
            results["img"],
            self.size_divisor,
            scale_factor=1,
            interpolation=self.interpolation or "bilinear",
        )
        results["img"] = img
        results["img_shape"] = results["pad_shape"] = img.shape
        for key in results.get("seg_fields", []):
            results[key] = imresize_to_multiple(
                results[key], self.size_divisor, scale_factor=1, interpolation="nearest"
            )
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size_divisor={self.size_divisor}, "
            f"interpolation={self.interpolation})"
        )


@PIPELINES.register_module()
class SegRescale:
    """Rescales label maps only, for heads that predict at a lower resolution.

    Args:
        scale_factor: factor of height and width.
        backend: "cv2" or "pillow".
    """

    def __init__(self, scale_factor: float = 1, backend: str = "cv2") -> None:
        self.scale_factor = scale_factor
        self.backend = backend

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Rescales every label map."""
        if self.scale_factor == 1:
            return results
        for key in results.get("seg_fields", []):
            results[key] = imrescale(
                results[key], self.scale_factor, interpolation="nearest", backend=self.backend
            )
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(scale_factor={self.scale_factor})"
