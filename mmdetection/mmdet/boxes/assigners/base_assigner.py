"""What every assigner can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor


class BaseAssigner(ABC):
    """Matches boxes (or points) with objects."""

    @abstractmethod
    def assign(
        self,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
    ) -> Any:
        """Returns an ``AssignResult`` with an entry for each of ``bboxes``."""
