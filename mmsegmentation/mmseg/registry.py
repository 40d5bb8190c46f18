"""The names of the segmentation task: children of mmcv's registries, tried before them."""

from __future__ import annotations

from mmcv import registry as mmcv_registry
from mmcv.registry import ConfigError, Registry

MODELS = Registry("model", parent=mmcv_registry.MODELS, scope="mmseg")
DATASETS = Registry("dataset", parent=mmcv_registry.DATASETS, scope="mmseg")
PIPELINES = Registry("pipeline step", parent=mmcv_registry.PIPELINES, scope="mmseg")


class ModelConfigError(ConfigError, AssertionError):
    """Keys of a model section that do not fit together.

    It is an ``AssertionError`` too because that is what 1.x raised here and what plug-ins catch.
    """
