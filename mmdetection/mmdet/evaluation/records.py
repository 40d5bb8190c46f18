"""Predictions of single images in the small form in which they are kept and gathered."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as mask_utils


def encode_results(predictions: Any) -> list[Any]:
    """Returns predictions with every mask as RLE.

    Args:
        predictions: one per image: a list of boxes (k, 5) per class, an array of proposals, or
            a tuple of boxes and masks, these (H, W) bool or already RLE; panoptic results pass.
    """
    return [_encode(prediction) for prediction in predictions]


def _encode(prediction: Any) -> Any:
    if isinstance(prediction, tuple) and len(prediction) == 2:
        boxes, masks = prediction
        if isinstance(masks, tuple):  # mask scoring: masks and their scores
            return boxes, (_encode_masks(masks[0]), masks[1])
        return boxes, _encode_masks(masks)
    if isinstance(prediction, dict) and isinstance(prediction.get("ins_results"), tuple):
        return {**prediction, "ins_results": _encode(prediction["ins_results"])}
    return prediction


def _encode_masks(masks: Any) -> list[list[Any]]:
    return [[encode_mask(mask) for mask in of_class] for of_class in masks]


def encode_mask(mask: Any) -> Any:
    """Returns the RLE of a (H, W) mask; RLE is returned as it is."""
    if isinstance(mask, dict):
        return mask
    columns = np.asfortranarray(np.asarray(mask), dtype=np.uint8)
    rles: Any = mask_utils.encode(columns[:, :, np.newaxis])
    return rles[0]


def decode_mask(mask: Any) -> np.ndarray:
    """Returns a mask as (H, W) array; an array is returned as it is."""
    rle: Any = mask
    return mask_utils.decode(rle) if isinstance(mask, dict) else np.asarray(mask)
