"""1.x import path of hooks."""

from mmdet.datasets.utils import NumClassCheckHook
from mmdet.hooks import CheckInvalidLossHook, SetEpochInfoHook, YOLOXModeSwitchHook

__all__ = [
    "CheckInvalidLossHook",
    "NumClassCheckHook",
    "SetEpochInfoHook",
    "YOLOXModeSwitchHook",
]
