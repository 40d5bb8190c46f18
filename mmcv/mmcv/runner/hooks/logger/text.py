"""1.x import path of ``mmcv.hooks.text_logger``."""

from mmcv.hooks.text_logger import TextLoggerHook

__all__ = ["TextLoggerHook"]
