"""1.x import path of ``mmcv.cnn.non_local``."""

from mmcv.cnn.non_local import NonLocal1d, NonLocal2d, NonLocal3d

__all__ = ["NonLocal1d", "NonLocal2d", "NonLocal3d"]
