"""RetinaNet (Lin et al., 2017, arXiv:1708.02002)."""

from __future__ import annotations

from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.registry import MODELS


@MODELS.register_module()
class RetinaNet(SingleStageDetector):
    """A one-stage detector under the name of its paper; see :class:`SingleStageDetector`."""
