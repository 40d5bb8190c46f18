"""Necks: between backbone and heads."""

from mmseg.models.necks.featurepyramid import Feature2Pyramid
from mmseg.models.necks.fpn import FPN
from mmseg.models.necks.multilevel_neck import MultiLevelNeck

__all__ = ["FPN", "Feature2Pyramid", "MultiLevelNeck"]
