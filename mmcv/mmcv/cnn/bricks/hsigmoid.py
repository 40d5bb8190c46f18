"""1.x import path of ``mmcv.cnn.activation``."""

from mmcv.cnn.activation import HSigmoid

__all__ = ["HSigmoid"]
