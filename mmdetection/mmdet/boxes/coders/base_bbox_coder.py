"""What every box coder can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor


class BaseBBoxCoder(ABC):
    """Turns boxes into the numbers a head predicts, and back."""

    encode_size = 4

    @abstractmethod
    def encode(self, bboxes: Tensor, gt_bboxes: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Expresses objects relative to priors."""

    @abstractmethod
    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Returns the boxes that predictions relative to priors mean."""
