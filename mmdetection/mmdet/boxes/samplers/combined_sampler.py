"""One sampler for positives, another for negatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.boxes.builder import build_sampler
from mmdet.boxes.samplers.base_sampler import BaseSampler
from mmdet.registry import MODELS


@MODELS.register_module()
class CombinedSampler(BaseSampler):
    """Draws positives and negatives in two ways.

    Args:
        pos_sampler: config of the sampler of positives.
        neg_sampler: of negatives.
        kwargs: those of :class:`BaseSampler`, for all three.
    """

    def __init__(
        self, pos_sampler: Mapping[str, Any], neg_sampler: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pos_sampler = build_sampler(pos_sampler, **kwargs)
        self.neg_sampler = build_sampler(neg_sampler, **kwargs)

    def _sample_pos(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _sample_neg(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError
