"""Which object each box was assigned to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes.demodata import ensure_rng
from mmdet.boxes.nice_repr import NiceRepr


class AssignResult(NiceRepr):
    """Holds the assignment of boxes to objects.

    Args:
        num_gts: number of objects.
        gt_inds: (N,) int64: 0 background, -1 ignored, else 1 + index of the object.
        max_overlaps: (N,) overlap with that object.
        labels: (N,) class of the object, -1 where there is none; or None.
    """

    def __init__(
        self,
        num_gts: int,
        gt_inds: Tensor,
        max_overlaps: Tensor | None,
        labels: Tensor | None = None,
    ) -> None:
        self.num_gts = num_gts
        self.gt_inds = gt_inds
        self.max_overlaps = max_overlaps
        self.labels = labels
        self._extra_properties: dict[str, Any] = {}

    @property
    def num_preds(self) -> int:
        """Number of boxes."""
        return len(self.gt_inds)

    def set_extra_property(self, key: str, value: Any) -> None:
        """Attaches a new value to the result."""
        assert key not in self.info
        self._extra_properties[key] = value

    def get_extra_property(self, key: str) -> Any:
        """Returns what was attached, or None."""
        return self._extra_properties.get(key, None)

    @property
    def info(self) -> dict[str, Any]:
        """Everything as a dict."""
        return {
            "num_gts": self.num_gts,
            "num_preds": self.num_preds,
            "gt_inds": self.gt_inds,
            "max_overlaps": self.max_overlaps,
            "labels": self.labels,
            **self._extra_properties,
        }

    def __nice__(self) -> str:
        parts = [f"num_gts={self.num_gts!r}"]
        for name in ("gt_inds", "max_overlaps", "labels"):
            value = getattr(self, name)
            parts.append(f"{name}={value!r}" if value is None else f"{name}.shape={value.shape!r}")
        return ", ".join(parts)

    def add_gt_(self, gt_labels: Tensor) -> None:
        """Puts the objects themselves (G classes) before the boxes, each assigned to itself."""
        number = len(gt_labels)
        own = torch.arange(1, number + 1, dtype=torch.long, device=gt_labels.device)
        self.gt_inds = torch.cat([own, self.gt_inds])
        if self.max_overlaps is not None:
            overlaps = self.max_overlaps
            self.max_overlaps = torch.cat([overlaps.new_ones(number), overlaps])
        if self.labels is not None:
            self.labels = torch.cat([gt_labels, self.labels])

    @classmethod
    def random(cls, **kwargs: Any) -> AssignResult:
        """Draws a result for tests.

        Args:
            kwargs: ``num_preds`` and ``num_gts`` (drawn if absent), ``p_ignore`` (0.3),
                ``p_assigned`` (0.7), ``p_use_label`` (0.5; True: always), ``num_classes`` (3),
                ``rng`` (numpy generator or seed).
        """
        rng = ensure_rng(kwargs.get("rng"))
        num_gts, num_preds = kwargs.get("num_gts"), kwargs.get("num_preds")
        use_label = kwargs.get("p_use_label", 0.5)
        num_gts = rng.randint(0, 8) if num_gts is None else num_gts
        num_preds = rng.randint(0, 16) if num_preds is None else num_preds
        labels = None
        if num_gts == 0:
            max_overlaps = torch.zeros(num_preds, dtype=torch.float32)
            gt_inds = torch.zeros(num_preds, dtype=torch.int64)
            if use_label is True or use_label < rng.rand():
                labels = torch.zeros(num_preds, dtype=torch.int64)
            return cls(num_gts, gt_inds, max_overlaps, labels)
        max_overlaps = torch.from_numpy(rng.rand(num_preds))
        gt_inds, assigned = _draw_indices(rng, num_preds, num_gts, kwargs)
        max_overlaps[~assigned] = 0
        if use_label is True or use_label < rng.rand():
            num_classes = kwargs.get("num_classes", 3)
            labels = torch.zeros(num_preds, dtype=torch.int64)
            if num_classes:
                drawn = torch.from_numpy(rng.randint(0, num_classes, size=num_preds))
                labels = torch.where(assigned, drawn, labels)
        return cls(num_gts, gt_inds, max_overlaps, labels)


def _draw_indices(
    rng: np.random.RandomState, num_preds: int, num_gts: int, kwargs: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    """Returns object indices (N,) and which boxes are assigned; draws in 1.x's order."""
    chosen = np.flatnonzero(rng.rand(num_preds) < kwargs.get("p_assigned", 0.7))
    limit = min(num_preds, num_gts, len(chosen))
    rng.shuffle(chosen)
    assigned = np.zeros(num_preds, dtype=bool)
    assigned[chosen[:limit]] = True
    ignored = (rng.rand(num_preds) < kwargs.get("p_ignore", 0.3)) & assigned
    rng.shuffle(np.arange(num_gts))  # its result was never used; the draw is kept
    gt_inds = rng.randint(1, num_gts + 1, size=num_preds)
    gt_inds[ignored] = -1
    gt_inds[~assigned] = 0
    return torch.from_numpy(gt_inds).long(), torch.from_numpy(assigned)
