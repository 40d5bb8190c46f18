"""Generalized focal loss (Li et al., 2020, arXiv:2006.04388)."""

from __future__ import annotations

from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.registry import MODELS


@MODELS.register_module()
class GFL(SingleStageDetector):
    """A one-stage detector under the name of its paper; see :class:`SingleStageDetector`."""
