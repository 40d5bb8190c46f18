"""Pretrained weights from wherever they are published, in whatever layout."""

from mmcv.weights.folder import is_weights_folder, read_folder
from mmcv.weights.layouts import (
    LAYOUTS,
    depth_of,
    find_layout,
    from_intern_vit_keys,
    to_intern_vit_keys,
)
from mmcv.weights.reading import check_depth, fit_keys, load_from_hub, read_weights
from mmcv.weights.writing import describe, write_folder

__all__ = [
    "LAYOUTS",
    "check_depth",
    "depth_of",
    "describe",
    "find_layout",
    "fit_keys",
    "from_intern_vit_keys",
    "is_weights_folder",
    "load_from_hub",
    "read_folder",
    "read_weights",
    "to_intern_vit_keys",
    "write_folder",
]
