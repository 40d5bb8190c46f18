"""Models; importing this package registers their names."""

from mmseg.models.backbones import *  # noqa: F403
from mmseg.models.builder import (
    BACKBONES,
    HEADS,
    LOSSES,
    NECKS,
    SEGMENTORS,
    build_backbone,
    build_head,
    build_loss,
    build_neck,
    build_segmentor,
)
from mmseg.models.decode_heads import *  # noqa: F403
from mmseg.models.losses import *  # noqa: F403
from mmseg.models.necks import *  # noqa: F403
from mmseg.models.samplers import *  # noqa: F403
from mmseg.models.segmentors import *  # noqa: F403

__all__ = [
    "BACKBONES",
    "HEADS",
    "LOSSES",
    "NECKS",
    "SEGMENTORS",
    "build_backbone",
    "build_head",
    "build_loss",
    "build_neck",
    "build_segmentor",
]
