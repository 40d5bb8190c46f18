"""1.x import path of ``mmcv.cnn.sync_batch_norm``."""

from mmcv.cnn.sync_batch_norm import revert_sync_batchnorm

__all__ = ["revert_sync_batchnorm"]
