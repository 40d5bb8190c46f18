"""Builds the parts that work on boxes, under the 1.x names that plug-ins register with."""

from __future__ import annotations

from typing import Any

from mmdet.registry import MODELS

BBOX_ASSIGNERS = BBOX_SAMPLERS = BBOX_CODERS = IOU_CALCULATORS = MATCH_COST = MODELS
PRIOR_GENERATORS = ANCHOR_GENERATORS = MODELS


def build_assigner(cfg: Any, **default_args: Any) -> Any:
    """Builds what matches boxes with objects."""
    return MODELS.build(cfg, default_args=default_args)


def build_sampler(cfg: Any, **default_args: Any) -> Any:
    """Builds what draws the boxes that a head is trained on."""
    return MODELS.build(cfg, default_args=default_args)


def build_bbox_coder(cfg: Any, **default_args: Any) -> Any:
    """Builds what turns boxes into a head's numbers and back."""
    return MODELS.build(cfg, default_args=default_args)


def build_iou_calculator(cfg: Any, default_args: Any = None) -> Any:
    """Builds what measures the overlap of boxes."""
    return MODELS.build(cfg, default_args=default_args)


def build_match_cost(cfg: Any, default_args: Any = None) -> Any:
    """Builds one term of what a Hungarian assigner minimises."""
    return MODELS.build(cfg, default_args=default_args)


def build_prior_generator(cfg: Any, default_args: Any = None) -> Any:
    """Builds what places anchors or points on the maps of a pyramid."""
    return MODELS.build(cfg, default_args=default_args)


build_anchor_generator = build_prior_generator
