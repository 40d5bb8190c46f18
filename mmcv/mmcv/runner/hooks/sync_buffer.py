"""1.x import path of ``mmcv.hooks.sync_buffer``."""

from mmcv.hooks.sync_buffer import SyncBuffersHook

__all__ = ["SyncBuffersHook"]
