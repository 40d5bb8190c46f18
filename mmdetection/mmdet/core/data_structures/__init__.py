"""1.x import path of containers."""

from mmdet.boxes import GeneralData, InstanceData

__all__ = ["GeneralData", "InstanceData"]
