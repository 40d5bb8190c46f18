"""1.x import path of ``mmcv.cnn.context_block``."""

from mmcv.cnn.context_block import ContextBlock

__all__ = ["ContextBlock"]
