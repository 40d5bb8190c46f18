"""As many negatives from each range of overlaps (Libra R-CNN, arXiv:1904.02701)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.samplers.base_sampler import where_negative
from mmdet.boxes.samplers.random_sampler import RandomSampler
from mmdet.registry import MODELS, ModelConfigError


@MODELS.register_module()
class IoUBalancedNegSampler(RandomSampler):
    """Draws negatives with little overlap at random, and others evenly over their overlaps.

    Args:
        num: see :class:`BaseSampler`.
        pos_fraction: likewise.
        floor_thr: overlap below which negatives are drawn at random; -1: none are.
        floor_fraction: share of these among the negatives.
        num_bins: number of ranges that the others are drawn from evenly.
        kwargs: see :class:`RandomSampler`.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float,
        floor_thr: float = -1,
        floor_fraction: float = 0,
        num_bins: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(num, pos_fraction, **kwargs)
        if not (floor_thr >= 0 or floor_thr == -1):
            raise ModelConfigError(f"floor_thr must be -1 or at least 0, but is {floor_thr}")
        if not 0 <= floor_fraction <= 1:
            raise ModelConfigError(f"floor_fraction must be from 0 to 1, but is {floor_fraction}")
        if num_bins < 1:
            raise ModelConfigError(f"num_bins must be at least 1, but is {num_bins}")
        self.floor_thr = floor_thr
        self.floor_fraction = floor_fraction
        self.num_bins = num_bins

    def sample_via_interval(
        self, max_overlaps: np.ndarray, full_set: set[Any], num_expected: int
    ) -> np.ndarray:
        """Draws from ranges of equal width.

        Args:
            max_overlaps: (N,) of all boxes.
            full_set: indices to draw from.
            num_expected: how many are drawn.
        """
        floor = max(self.floor_thr, 0)
        width = (max_overlaps.max() - floor) / self.num_bins
        share = int(num_expected / self.num_bins)
        drawn = []
        for i in range(self.num_bins):
            low, high = floor + i * width, floor + (i + 1) * width
            inside = _where((max_overlaps >= low) & (max_overlaps < high))
            drawn.append(self._draw(list(inside & full_set), share))
        return self._fill_up(np.concatenate(drawn), full_set, num_expected)

    def _sample_neg(self, assign_result: AssignResult, num_expected: int, **kwargs: Any) -> Any:
        candidates = where_negative(assign_result)
        if len(candidates) <= num_expected:
            return candidates
        assert isinstance(assign_result.max_overlaps, Tensor)
        overlaps = assign_result.max_overlaps.cpu().numpy()
        negative = set(candidates.cpu().numpy())
        low, rest = self._split(overlaps)
        low, rest = list(low & negative), list(rest & negative)
        number = int(num_expected * (1 - self.floor_fraction))
        if len(rest) > number and self.num_bins >= 2:
            balanced = self.sample_via_interval(overlaps, set(rest), number)
        else:
            balanced = self._draw(rest, number)
        drawn = np.concatenate([self._draw(low, num_expected - len(balanced)), balanced])
        drawn = self._fill_up(drawn, negative, num_expected)
        return torch.from_numpy(drawn).to(candidates)

    def _split(self, overlaps: np.ndarray) -> tuple[set[Any], set[Any]]:
        """Returns the boxes below the floor and the others."""
        if self.floor_thr > 0:
            below = (overlaps >= 0) & (overlaps < self.floor_thr)
            return _where(below), _where(overlaps >= self.floor_thr)
        if self.floor_thr == 0:
            return _where(overlaps == 0), _where(overlaps > 0)
        return set(), _where(overlaps > self.floor_thr)

    def _draw(self, indices: list[Any], number: int) -> np.ndarray:
        if len(indices) > number:
            return self.random_choice(np.asarray(indices, dtype=np.int64), number)
        return np.asarray(indices, dtype=np.int64)

    def _fill_up(self, drawn: np.ndarray, everything: set[Any], number: int) -> np.ndarray:
        missing = number - len(drawn)
        if missing <= 0:
            return drawn
        return np.concatenate([drawn, self._draw(list(everything - set(drawn)), missing)])


def _where(flags: np.ndarray) -> set[Any]:
    # Sets of numpy integers, as in 1.x: their order decides which boxes a draw means.
    return set(np.flatnonzero(flags))
