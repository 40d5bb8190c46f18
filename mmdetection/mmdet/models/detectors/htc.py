"""Hybrid task cascade (Chen et al., 2019, arXiv:1901.07518)."""

from __future__ import annotations

from typing import Any

from mmdet.models.detectors.cascade_rcnn import CascadeRCNN
from mmdet.registry import MODELS


@MODELS.register_module()
class HybridTaskCascade(CascadeRCNN):
    """A cascade with a :class:`HybridTaskCascadeRoIHead`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    @property
    def with_semantic(self) -> bool:
        """Whether there is a semantic branch."""
        return self.roi_head.with_semantic
