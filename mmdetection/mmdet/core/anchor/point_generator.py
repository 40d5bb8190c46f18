"""1.x import path of point generators."""

from mmdet.boxes import MlvlPointGenerator, PointGenerator

__all__ = ["MlvlPointGenerator", "PointGenerator"]
