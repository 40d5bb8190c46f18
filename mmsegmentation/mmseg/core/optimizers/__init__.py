"""Constructors of optimizers with a learning rate per layer, at their 1.x import path."""

from mmcv.runner.param_groups import (
    LayerDecayOptimizerConstructor,
    LearningRateDecayOptimizerConstructor,
)

__all__ = ["LayerDecayOptimizerConstructor", "LearningRateDecayOptimizerConstructor"]
