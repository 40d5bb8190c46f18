"""1.x import path of ``mmcv.cnn.scale``."""

from mmcv.cnn.scale import Scale

__all__ = ["Scale"]
