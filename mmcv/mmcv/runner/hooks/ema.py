"""1.x import path of ``mmcv.hooks.ema``."""

from mmcv.hooks.ema import EMAHook

__all__ = ["EMAHook"]
