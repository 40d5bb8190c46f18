"""ATSS (Zhang et al., 2019, arXiv:1912.02424)."""

from __future__ import annotations

from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.registry import MODELS


@MODELS.register_module()
class ATSS(SingleStageDetector):
    """A one-stage detector under the name of its paper; see :class:`SingleStageDetector`."""
