"""1.x import path of ``mmcv.hooks.closure``."""

from mmcv.hooks.closure import ClosureHook

__all__ = ["ClosureHook"]
