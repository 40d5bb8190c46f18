"""1.x import path of ``mmcv.hooks.iter_timer``."""

from mmcv.hooks.iter_timer import IterTimerHook

__all__ = ["IterTimerHook"]
