"""FCOS (Tian et al., 2019, arXiv:1904.01355)."""

from __future__ import annotations

from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.registry import MODELS


@MODELS.register_module()
class FCOS(SingleStageDetector):
    """A one-stage detector under the name of its paper; see :class:`SingleStageDetector`."""
