"""1.x import path of ``mmcv.hooks.tensorboard_logger``."""

from mmcv.hooks.tensorboard_logger import TensorboardLoggerHook

__all__ = ["TensorboardLoggerHook"]
