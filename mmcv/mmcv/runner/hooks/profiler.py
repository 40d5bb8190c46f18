"""1.x import path of ``mmcv.hooks.profiler``."""

from mmcv.hooks.profiler import ProfilerHook

__all__ = ["ProfilerHook"]
