"""1.x import path of ``mmcv.hooks.wandb_logger``."""

from mmcv.hooks.wandb_logger import WandbLoggerHook

__all__ = ["WandbLoggerHook"]
