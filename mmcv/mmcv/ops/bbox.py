"""Overlaps of boxes under mmcv's name and conventions."""

from __future__ import annotations

import torch
from torch import Tensor

MODES = ("iou", "iof")


def bbox_overlaps(
    bboxes1: Tensor, bboxes2: Tensor, mode: str = "iou", aligned: bool = False, offset: int = 0
) -> Tensor:
    """Divides intersections of boxes by their unions, or by the first box's area.

    Args:
        bboxes1: (M, 4) x1 y1 x2 y2.
        bboxes2: (N, 4); with ``aligned`` N = M.
        mode: "iou", or "iof" for intersection over the area of ``bboxes1``.
        aligned: compare each box with its counterpart only.
        offset: added to widths and heights: 1 where boxes name pixels, 0 where they name edges.

    Returns:
        (M, N), or (M,) with ``aligned``. Boxes without an area overlap nothing: 0, where 1.x's
        kernel divides zero by zero.
    """
    _check(bboxes1, bboxes2, mode, aligned, offset)
    if len(bboxes1) * len(bboxes2) == 0:
        shape = (len(bboxes1),) if aligned else (len(bboxes1), len(bboxes2))
        return bboxes1.new_zeros(shape)
    first, second = (bboxes1, bboxes2) if aligned else (bboxes1[:, None], bboxes2[None])
    areas = [(boxes[..., 2:4] - boxes[..., :2] + offset).prod(-1) for boxes in (first, second)]
    top_left = torch.maximum(first[..., :2], second[..., :2])
    bottom_right = torch.minimum(first[..., 2:4], second[..., 2:4])
    inter = (bottom_right - top_left + offset).clamp(min=0).prod(-1)
    base = (areas[0] + areas[1] - inter if mode == "iou" else areas[0]).clamp(min=offset)
    base = base.expand_as(inter)
    return torch.where(base > 0, inter / base.clamp(min=torch.finfo(inter.dtype).tiny), 0.0)


def _check(bboxes1: Tensor, bboxes2: Tensor, mode: str, aligned: bool, offset: int) -> None:
    if mode not in MODES:
        raise AssertionError(f"mode must be one of {MODES}, but got {mode!r}")
    if offset not in (0, 1):
        raise AssertionError(f"offset must be 0 or 1, but got {offset}")
    for name, boxes in (("bboxes1", bboxes1), ("bboxes2", bboxes2)):
        if len(boxes) and boxes.shape[-1] != 4:
            raise AssertionError(f"{name} must be (N, 4), but got {tuple(boxes.shape)}")
    if aligned and len(bboxes1) != len(bboxes2):
        raise AssertionError(
            f"aligned needs as many bboxes1 as bboxes2, but got {len(bboxes1)} and {len(bboxes2)}"
        )
