"""Averages buffers over the ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS
from mmcv.runner.dist_utils import allreduce_params

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class SyncBuffersHook(Hook):
    """Averages the model's buffers, such as running statistics, over the ranks after every epoch.

    Args:
        distributed: do nothing if False.
    """

    def __init__(self, distributed: bool = True) -> None:
        self.distributed = distributed

    def after_epoch(self, runner: BaseRunner) -> None:
        """Averages. Collective."""
        if self.distributed:
            allreduce_params(runner.model.buffers())
