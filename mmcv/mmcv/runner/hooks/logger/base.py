"""1.x import path of ``mmcv.hooks.logger``."""

from mmcv.hooks.logger import LoggerHook

__all__ = ["LoggerHook"]
