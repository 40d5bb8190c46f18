"""Overlaps of boxes: IoU, intersection over foreground, generalised IoU (arXiv:1902.09630)."""

from __future__ import annotations

import torch
from torch import Tensor

from mmdet.registry import MODELS

MODES = ("iou", "iof", "giou")


def bbox_overlaps(
    bboxes1: Tensor,
    bboxes2: Tensor,
    mode: str = "iou",
    is_aligned: bool = False,
    eps: float = 1e-6,
) -> Tensor:
    """Measures how much boxes overlap, in the dtype of the boxes.

    Half-precision boxes overflow once an area exceeds 65504, as they always did: scale them (see
    :class:`BboxOverlaps2D`) or give float32. Inverted boxes overlap nothing.

    Args:
        bboxes1: (..., M, 4) x1 y1 x2 y2; may be empty.
        bboxes2: (..., N, 4); the leading dimensions of ``bboxes1``.
        mode: "iou"; "iof": the intersection over the area of ``bboxes1``; "giou".
        is_aligned: compare the i-th with the i-th only; needs M = N.
        eps: lower bound of what is divided by.

    Returns:
        (..., M, N); (..., M) if ``is_aligned``.
    """
    assert mode in MODES, f"Unsupported mode {mode}"
    assert bboxes1.size(-1) == 4 or bboxes1.size(0) == 0
    assert bboxes2.size(-1) == 4 or bboxes2.size(0) == 0
    assert bboxes1.shape[:-2] == bboxes2.shape[:-2]
    rows, cols = bboxes1.size(-2), bboxes2.size(-2)
    if is_aligned:
        assert rows == cols
    if rows * cols == 0:
        return bboxes1.new_zeros(*bboxes1.shape[:-2], *((rows,) if is_aligned else (rows, cols)))
    if not is_aligned:
        bboxes1, bboxes2 = bboxes1[..., :, None, :], bboxes2[..., None, :, :]
    low1, high1 = bboxes1[..., :2], bboxes1[..., 2:]
    low2, high2 = bboxes2[..., :2], bboxes2[..., 2:]
    area1, area2 = _area(high1 - low1), _area(high2 - low2)
    overlap = _area((torch.min(high1, high2) - torch.max(low1, low2)).clamp(min=0))
    union = (area1 if mode == "iof" else area1 + area2 - overlap).clamp(min=eps)
    ious = overlap / union
    if mode != "giou":
        return ious
    hull = _area((torch.max(high1, high2) - torch.min(low1, low2)).clamp(min=0)).clamp(min=eps)
    return ious - (hull - union) / hull


def _area(sides: Tensor) -> Tensor:
    return sides[..., 0] * sides[..., 1]


def cast_tensor_type(x: Tensor, scale: float = 1.0, dtype: str | None = None) -> Tensor:
    """Returns ``x / scale`` in half precision if ``dtype`` is "fp16", else ``x``."""
    return (x / scale).half() if dtype == "fp16" else x


@MODELS.register_module()
class BboxOverlaps2D:
    """:func:`bbox_overlaps` as an object.

    Args:
        scale: boxes are divided by it before they are turned into half precision.
        dtype: "fp16": compute in half precision to save memory.
    """

    def __init__(self, scale: float = 1.0, dtype: str | None = None) -> None:
        self.scale = scale
        self.dtype = dtype

    def __call__(
        self, bboxes1: Tensor, bboxes2: Tensor, mode: str = "iou", is_aligned: bool = False
    ) -> Tensor:
        """Measures boxes (M, 4) against (N, 4); a fifth column (scores) is left out."""
        assert bboxes1.size(-1) in (0, 4, 5)
        assert bboxes2.size(-1) in (0, 4, 5)
        bboxes1 = cast_tensor_type(bboxes1[..., :4], self.scale, self.dtype)
        bboxes2 = cast_tensor_type(bboxes2[..., :4], self.scale, self.dtype)
        overlaps = bbox_overlaps(bboxes1, bboxes2, mode, is_aligned)
        # On the CPU little works on half-precision tensors.
        is_half = overlaps.dtype == torch.float16 and not overlaps.is_cuda
        return overlaps.float() if is_half else overlaps

    def __repr__(self) -> str:
        return f"{type(self).__name__}(scale={self.scale}, dtype={self.dtype})"
