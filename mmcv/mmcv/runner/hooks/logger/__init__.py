"""1.x import path of the loggers."""

from mmcv.hooks.logger import LoggerHook
from mmcv.hooks.tensorboard_logger import TensorboardLoggerHook
from mmcv.hooks.text_logger import TextLoggerHook
from mmcv.hooks.wandb_logger import WandbLoggerHook

__all__ = [
    "LoggerHook",
    "TensorboardLoggerHook",
    "TextLoggerHook",
    "WandbLoggerHook",
]
