"""The names of the detection task: children of mmcv's registries, tried before them."""

from __future__ import annotations

from mmcv import registry as roots
from mmcv.registry import ModelConfigError, Registry

MODELS = Registry("model", parent=roots.MODELS, scope="mmdet")
DATASETS = Registry("dataset", parent=roots.DATASETS, scope="mmdet")
PIPELINES = Registry("pipeline step", parent=roots.PIPELINES, scope="mmdet")

__all__ = ["DATASETS", "MODELS", "PIPELINES", "ModelConfigError"]
