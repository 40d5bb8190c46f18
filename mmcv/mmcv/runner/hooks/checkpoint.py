"""1.x import path of ``mmcv.hooks.checkpoint``."""

from mmcv.hooks.checkpoint import CheckpointHook

__all__ = ["CheckpointHook"]
