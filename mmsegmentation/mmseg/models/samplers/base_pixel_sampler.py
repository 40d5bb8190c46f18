"""What a pixel sampler is."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod

from torch import Tensor


class BasePixelSampler(metaclass=ABCMeta):
    """Weighs the pixels of a batch."""

    @abstractmethod
    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        """Returns the weights (B, H, W).

        Args:
            seg_logit: (B, C, H, W).
            seg_label: (B, 1, H, W) classes.
        """
