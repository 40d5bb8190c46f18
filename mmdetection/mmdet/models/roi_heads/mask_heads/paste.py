"""Pastes the masks of regions into the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BYTES_PER_FLOAT = 4
GPU_MEM_LIMIT = 1024**3  # bytes of float32 masks pasted at a time


def paste_masks(
    masks: Tensor, boxes: Tensor, img_h: int, img_w: int, threshold: float
) -> list[np.ndarray]:
    """Returns each mask in the size of the image.

    Only one chunk of masks is held as floats, and on the device, at a time.

    Args:
        masks: (N, 1, h, w) probabilities.
        boxes: (N, 4) x1 y1 x2 y2, where in the image they belong.
        img_h: height of the image.
        img_w: width of the image.
        threshold: pixels from there on belong to the object; below 0: return shades instead.

    Returns:
        N arrays (img_h, img_w) of bool, or of uint8 with shades from 0 to 255.
    """
    num, on_cpu = len(masks), masks.device.type == "cpu"
    # A CPU pastes one by one, so that only the surroundings of each box are computed.
    num_chunks = num if on_cpu else math.ceil(num * img_h * img_w * BYTES_PER_FLOAT / GPU_MEM_LIMIT)
    if num_chunks > num:
        raise ValueError(
            f"one mask of an image of {img_h}x{img_w} pixels takes more than {GPU_MEM_LIMIT} bytes"
        )
    kind = np.bool_ if threshold >= 0 else np.uint8
    pasted: list[np.ndarray] = []
    for chunk in torch.arange(num, device=masks.device).chunk(num_chunks):
        values, place = _do_paste_mask(masks[chunk], boxes[chunk], img_h, img_w, skip_empty=on_cpu)
        values = values >= threshold if threshold >= 0 else (values * 255).to(torch.uint8)
        for value in values.cpu().numpy():
            if not place:
                pasted.append(value)
                continue
            canvas = np.zeros((img_h, img_w), dtype=kind)
            canvas[place] = value
            pasted.append(canvas)
    return pasted


def _do_paste_mask(
    masks: Tensor, boxes: Tensor, img_h: int, img_w: int, skip_empty: bool = True
) -> tuple[Tensor, Any]:
    """Resamples masks onto the pixels of the image.

    Args:
        masks: (N, 1, h, w).
        boxes: (N, 4) in pixels of the image.
        img_h: height of the image.
        img_w: width of the image.
        skip_empty: compute only the part of the image that holds all boxes.

    Returns:
        Values (N, h', w'), and where they are in the image: two slices, or none for all of it.
    """
    left, top, right, bottom = 0, 0, int(img_w), int(img_h)
    if skip_empty:
        left, top = (max(int(v) - 1, 0) for v in boxes.min(dim=0).values.floor()[:2])
        right = min(int(boxes[:, 2].max().ceil()) + 1, img_w)
        bottom = min(int(boxes[:, 3].max().ceil()) + 1, img_h)
    x0, y0, x1, y1 = boxes.split(1, dim=1)
    options: dict[str, Any] = dict(device=masks.device, dtype=torch.float32)
    rows = torch.arange(top, max(bottom, top), **options) + 0.5
    columns = torch.arange(left, max(right, left), **options) + 0.5
    y = (rows - y0) / (y1 - y0) * 2 - 1
    x = (columns - x0) / (x1 - x0) * 2 - 1
    # Boxes without extent: their masks are sampled at the centre.
    x, y = x.masked_fill(x.isinf(), 0), y.masked_fill(y.isinf(), 0)
    num, height, width = len(masks), y.shape[1], x.shape[1]
    grid = torch.stack(
        [x[:, None, :].expand(num, height, width), y[:, :, None].expand(num, height, width)], dim=3
    )
    values = F.grid_sample(masks.float(), grid, align_corners=False)[:, 0]
    place = (slice(top, max(bottom, top)), slice(left, max(right, left))) if skip_empty else ()
    return values, place
