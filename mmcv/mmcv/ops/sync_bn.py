"""SyncBatchNorm at 1.x's import path."""

from mmcv.cnn.sync_batch_norm import SyncBatchNorm

__all__ = ["SyncBatchNorm"]
