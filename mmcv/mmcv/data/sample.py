"""The data contract: what a sample holds on its way from a dataset to the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
from torch import Tensor


class NormCfg(TypedDict):
    """How an image was normalised: ``(img - mean) / std`` per channel."""

    mean: np.ndarray
    std: np.ndarray
    to_rgb: bool


class Meta(TypedDict, total=False):
    """What the model may know about an image beside its pixels (``img_metas``)."""

    filename: str
    ori_filename: str  # without the folder
    ori_shape: tuple[int, ...]  # (H, W, C) as loaded
    img_shape: tuple[int, ...]  # (H, W, C) after resizing and cropping, before padding
    pad_shape: tuple[int, ...]  # (H, W, C) after padding
    scale_factor: np.ndarray | float  # (4,) float32: w, h, w, h factors
    flip: bool
    flip_direction: str | None
    img_norm_cfg: NormCfg


class Sample(Meta, total=False):
    """What pipeline steps pass on; each acts on the fields that are there."""

    img_info: dict[str, Any]
    ann_info: dict[str, Any]
    img_prefix: str | None
    seg_prefix: str | None
    label_map: dict[int, int] | None
    img_fields: list[str]  # names of image entries; absent: ["img"]
    seg_fields: list[str]  # names of label maps
    bbox_fields: list[str]  # names of box arrays
    mask_fields: list[str]  # names of instance masks
    img: np.ndarray  # (H, W, 3) uint8 BGR until Normalize, then float32; (3, H, W) after formatting
    gt_semantic_seg: np.ndarray  # (H, W) uint8, 255 is ignored; (1, H, W) int64 after formatting
    gt_bboxes: np.ndarray  # (n, 4) float32 x1 y1 x2 y2 in pixels of img, x2 and y2 exclusive
    gt_labels: np.ndarray  # (n,) int64
    scale: tuple[float, float]  # lengths to resize to, in any order
    scale_idx: int | None
    keep_ratio: bool
    pad_fixed_size: tuple[int, int] | None
    pad_size_divisor: int | None
    mix_results: list[Any]  # further samples, for steps that mix several images


class Batch(TypedDict, total=False):
    """What ``collate`` makes of training samples; other entries stay lists with one per sample."""

    img: Tensor  # (B, 3, H, W)
    img_metas: list[Meta]
    gt_semantic_seg: Tensor  # (B, 1, H, W) int64


# None: this sample is rejected, draw another.
Transform = Callable[[dict[str, Any]], "dict[str, Any] | None"]
