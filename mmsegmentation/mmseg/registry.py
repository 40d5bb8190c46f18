"""The names of the segmentation task: children of mmcv's registries, tried before them."""

from __future__ import annotations

from mmcv import registry as mmcv_registry
from mmcv.registry import ModelConfigError, Registry

MODELS = Registry("model", parent=mmcv_registry.MODELS, scope="mmseg")
DATASETS = Registry("dataset", parent=mmcv_registry.DATASETS, scope="mmseg")
PIPELINES = Registry("pipeline step", parent=mmcv_registry.PIPELINES, scope="mmseg")

__all__ = ["DATASETS", "MODELS", "PIPELINES", "ModelConfigError"]
