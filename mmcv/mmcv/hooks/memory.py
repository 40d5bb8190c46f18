"""Returns cached GPU memory to the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class EmptyCacheHook(Hook):
    """Calls ``torch.cuda.empty_cache`` at the chosen events; without a GPU it does nothing.

    Args:
        before_epoch: before every epoch.
        after_epoch: after every epoch.
        after_iter: after every iteration.
    """

    def __init__(
        self, before_epoch: bool = False, after_epoch: bool = True, after_iter: bool = False
    ) -> None:
        self._before_epoch = before_epoch
        self._after_epoch = after_epoch
        self._after_iter = after_iter

    def before_epoch(self, runner: BaseRunner) -> None:
        """See the class."""
        if self._before_epoch:
            torch.cuda.empty_cache()

    def after_epoch(self, runner: BaseRunner) -> None:
        """See the class."""
        if self._after_epoch:
            torch.cuda.empty_cache()

    def after_iter(self, runner: BaseRunner) -> None:
        """See the class."""
        if self._after_iter:
            torch.cuda.empty_cache()
