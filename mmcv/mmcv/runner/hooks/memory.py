"""1.x import path of ``mmcv.hooks.memory``."""

from mmcv.hooks.memory import EmptyCacheHook

__all__ = ["EmptyCacheHook"]
