"""Changes of label maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcv.registry import PIPELINES

# Mapillary Vistas' classes that make up each of Cityscapes' 19 training classes, in their order.
MAPILLARY_OF_CITYSCAPES = [
    [13, 24, 41],
    [2, 15],
    [17],
    [6],
    [3],
    [45, 47],
    [48],
    [50],
    [30],
    [29],
    [27],
    [19],
    [20, 21, 22],
    [55],
    [61],
    [54],
    [58],
    [57],
    [52],
]


@PIPELINES.register_module()
class MapillaryHack:
    """Turns Mapillary Vistas' 66 labels into Cityscapes' 19; all others are ignored (255)."""

    def __init__(self) -> None:
        self.table = np.full(256, 255, dtype=np.uint8)
        for label, sources in enumerate(MAPILLARY_OF_CITYSCAPES):
            self.table[sources] = label

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replaces gt_semantic_seg."""
        labels = results["gt_semantic_seg"]
        results["gt_semantic_seg"] = self.table[labels].astype(labels.dtype)
        return results

    def __repr__(self) -> str:
        return type(self).__name__


@PIPELINES.register_module()
class ToMask:
    """Splits the label map into one binary mask per class that occurs (mask classification).

    Args:
        ignore_index: label that gets no mask.
    """

    def __init__(self, ignore_index: int = 255) -> None:
        self.ignore_index = ignore_index

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets gt_labels, (n,) int64 ascending, and gt_masks, (n, H, W) int64 of 0 and 1."""
        seg = results["gt_semantic_seg"]
        labels = np.unique(seg)
        labels = labels[labels != self.ignore_index].astype(np.int64)
        results["gt_labels"] = labels
        results["gt_masks"] = (seg[None] == labels[:, None, None]).astype(np.int64)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ignore_index={self.ignore_index})"
