"""Masks as run lengths, as boxes, and polygons as they come out of a flat array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv.utils import slice_list


def encode_mask_results(mask_results: Any) -> Any:
    """Turns predicted masks into pycocotools' run lengths.

    Args:
        mask_results: per class a list of (H, W) masks; or a pair of that and scores, which stay.
    """
    from pycocotools import mask as mask_utils

    with_scores = isinstance(mask_results, tuple)
    encoded = [
        [mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8)) for mask in masks]
        for masks in (mask_results[0] if with_scores else mask_results)
    ]
    return (encoded, mask_results[1]) if with_scores else encoded


def mask2bbox(masks: Tensor) -> Tensor:
    """Returns the boxes (N, 4) x1 y1 x2 y2 float around masks (N, H, W); 0 around empty ones."""
    boxes = masks.new_zeros((len(masks), 4), dtype=torch.float32)
    if masks.numel() == 0:
        return boxes
    for column, axis in enumerate((1, 2)):
        inside = masks.bool().any(dim=axis).int()
        length = inside.shape[1]
        first = inside.argmax(dim=1)
        last = length - inside.flip(1).argmax(dim=1)
        boxes[:, column], boxes[:, column + 2] = first.float(), last.float()
    return torch.where(masks.bool().flatten(1).any(dim=1)[:, None], boxes, 0.0)


def split_combined_polys(
    polys: Sequence[Any], poly_lens: Sequence[Tensor], polys_per_mask: Sequence[Tensor]
) -> list[list[Any]]:
    """Splits the polygons of each image that were joined to one array.

    Args:
        polys: per image, all coordinates.
        poly_lens: per image, the number of coordinates of each polygon.
        polys_per_mask: per image, the number of polygons of each object.

    Returns:
        Per image, a list of polygons for each object.
    """
    return [
        slice_list(slice_list(joined, lengths.tolist()), numbers.tolist())
        for joined, lengths, numbers in zip(polys, poly_lens, polys_per_mask, strict=True)
    ]
