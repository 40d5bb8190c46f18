"""1.x import path of the anchors' registry."""

from mmdet.boxes import (
    ANCHOR_GENERATORS,
    PRIOR_GENERATORS,
    build_anchor_generator,
    build_prior_generator,
)

__all__ = [
    "ANCHOR_GENERATORS",
    "PRIOR_GENERATORS",
    "build_anchor_generator",
    "build_prior_generator",
]
