"""From COCO's segmentations to bitmaps and polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmcv.data.errors import DataError


def to_bitmap(segmentation: Any, height: int, width: int, where: str = "?") -> np.ndarray:
    """Returns a segmentation as (H, W) uint8 of 0 and 1.

    Args:
        segmentation: list of polygons x1 y1 x2 y2 ..., or RLE, compressed or not.
        height: of the image.
        width: of the image.
        where: the image, for messages.

    Raises:
        DataError: it is none of these, or RLE that does not cover the image exactly.
    """
    if isinstance(segmentation, list):
        return _draw(valid_polygons(segmentation, where), height, width)
    counts, size = _rle_parts(segmentation, where)
    if tuple(size) != (height, width):
        raise DataError(
            f"a mask of {where} is RLE of {size[1]}x{size[0]} pixels,"
            f" but its image is {width}x{height}"
        )
    rle: Any = dict(segmentation)
    try:
        if isinstance(counts, list):
            _check_counts(counts, height * width)
            rle = mask_utils.frPyObjects(rle, height, width)
        area = int(mask_utils.area(rle))
        bitmap = mask_utils.decode(rle)
    except (ValueError, TypeError, MemoryError) as error:
        raise DataError(f"a mask of {where} is broken RLE ({error})") from None
    if area != int(bitmap.sum()):
        raise DataError(f"a mask of {where} is broken RLE: its counts do not cover the image")
    return bitmap


def _draw(polygons: list[np.ndarray], height: int, width: int) -> np.ndarray:
    if not polygons:
        return np.zeros((height, width), np.uint8)
    rles = mask_utils.frPyObjects([p.tolist() for p in polygons], height, width)
    return mask_utils.decode(mask_utils.merge(rles))


def _rle_parts(segmentation: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(segmentation, dict) or not {"counts", "size"} <= set(segmentation):
        raise DataError(
            f"a mask of {where} is neither a list of polygons nor RLE"
            f" (a dict with counts and size): {str(segmentation)[:60]}"
        )
    return segmentation["counts"], segmentation["size"]


def _check_counts(counts: list[int], total: int) -> None:
    if any(count < 0 for count in counts) or sum(counts) != total:
        raise ValueError(f"its counts sum up to {sum(counts)} of {total} pixels")


def valid_polygons(polygons: Any, where: str = "?") -> list[np.ndarray]:
    """Returns polygons as arrays; those with less than three corners are left out.

    Raises:
        DataError: there are no polygons but something else.
    """
    if not isinstance(polygons, list):
        raise DataError(f"a mask of {where} is no list of polygons: set poly2mask=True")
    try:
        arrays = [np.asarray(polygon, dtype=np.float64) for polygon in polygons]
    except (TypeError, ValueError):
        raise DataError(f"a polygon of {where} is no list of numbers") from None
    if any(not np.isfinite(array).all() for array in arrays):
        raise DataError(f"a polygon of {where} holds NaN")
    return [array for array in arrays if len(array) % 2 == 0 and len(array) >= 6]
