"""1.x import path of ``mmcv.runner.optimizer_constructor``."""

from mmcv.runner.optimizer_constructor import DefaultOptimizerConstructor

__all__ = ["DefaultOptimizerConstructor"]
