"""The training loops: they count iterations and call hooks, and know nothing else.

How a model is run is the strategy's business; updating, saving, evaluating and logging are hooks'.
"""

from __future__ import annotations

from mmcv.registry import RUNNERS
from mmcv.runner.base_runner import BaseRunner
from mmcv.runner.iter_loader import IterLoader

__all__ = ["BaseRunner", "EpochBasedRunner", "IterBasedRunner"]


@RUNNERS.register_module()
class EpochBasedRunner(BaseRunner):
    """Trains for ``max_epochs``; hooks see the beginning and the end of each."""

    unit = "epoch"

    def _run(self, batches: IterLoader) -> None:
        assert self._max_epochs is not None, "max_epochs must be specified"
        self.data_loader = batches._dataloader
        self._replay("after_train_epoch")
        while self._epoch < self._max_epochs:
            self._train_epoch(batches)

    def _train_epoch(self, batches: IterLoader) -> None:
        """Runs one epoch, or the rest of the one that was resumed."""
        self._enter_train_mode()
        self.call_hook("before_train_epoch")
        self._replay("after_train_iter")
        while batches.batch < len(batches):
            self._inner_iter = batches.batch
            self._train_iter(next(batches))
        batches.seek(self._epoch + 1, 0)
        self.call_hook("after_train_epoch")
        self._epoch += 1


@RUNNERS.register_module()
class IterBasedRunner(BaseRunner):
    """Trains for ``max_iters``; the loader is repeated, and hooks see iterations only."""

    unit = "iter"

    def _run(self, batches: IterLoader) -> None:
        assert self._max_iters is not None, "max_iters must be specified"
        self.data_loader = batches
        self.call_hook("before_epoch")
        self._replay("after_train_iter")
        while self._iter < self._max_iters:
            self._enter_train_mode()
            self._epoch = batches.epoch  # 1.x: of the batch before this one
            self._train_iter(next(batches))
        self.call_hook("after_epoch")
