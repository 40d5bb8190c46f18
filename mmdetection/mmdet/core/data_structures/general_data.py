"""1.x import path of containers."""

from mmdet.boxes import GeneralData

__all__ = ["GeneralData"]
