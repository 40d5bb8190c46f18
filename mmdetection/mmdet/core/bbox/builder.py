"""1.x import path of the boxes' registries."""

from mmdet.boxes import (
    BBOX_ASSIGNERS,
    BBOX_CODERS,
    BBOX_SAMPLERS,
    build_assigner,
    build_bbox_coder,
    build_sampler,
)

__all__ = [
    "BBOX_ASSIGNERS",
    "BBOX_CODERS",
    "BBOX_SAMPLERS",
    "build_assigner",
    "build_bbox_coder",
    "build_sampler",
]
