"""1.x import path of containers."""

from mmdet.boxes import InstanceData

__all__ = ["InstanceData"]
