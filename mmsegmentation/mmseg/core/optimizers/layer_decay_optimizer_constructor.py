"""1.x import path."""

from mmseg.core.optimizers import (
    LayerDecayOptimizerConstructor,
    LearningRateDecayOptimizerConstructor,
)

__all__ = ["LayerDecayOptimizerConstructor", "LearningRateDecayOptimizerConstructor"]
