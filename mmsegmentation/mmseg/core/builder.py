"""Optimizers from configs, at their 1.x import path."""

from mmcv.registry import OPTIMIZER_BUILDERS
from mmcv.runner.param_groups import build_optimizer, build_optimizer_constructor

__all__ = ["OPTIMIZER_BUILDERS", "build_optimizer", "build_optimizer_constructor"]
