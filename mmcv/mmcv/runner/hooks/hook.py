"""1.x import path of ``mmcv.hooks.hook``."""

from mmcv.hooks.hook import HOOKS, Hook

__all__ = ["HOOKS", "Hook"]
