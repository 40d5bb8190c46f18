"""Hooks that configs of detectors name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from mmcv.hooks import Hook
from mmcv.registry import HOOKS, ConfigError

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Stops when the loss is not finite.

    Args:
        interval: look every so many iterations.
    """

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Looks at the loss."""
        if not self.every_n_iters(runner, self.interval):
            return
        outputs: Any = runner.outputs
        if not torch.isfinite(torch.as_tensor(outputs["loss"])).all():
            raise ConfigError(f"loss become infinite or NaN! (iteration {runner.iter + 1})")


@HOOKS.register_module()
class SetEpochInfoHook(Hook):
    """Tells the model the epoch (``model.set_epoch``) before it begins."""

    def before_train_epoch(self, runner: BaseRunner) -> None:
        """Calls ``set_epoch``."""
        model: Any = runner.strategy.module
        model.set_epoch(runner.epoch)


@HOOKS.register_module()
class YOLOXModeSwitchHook(Hook):
    """Ends strong augmentation, and begins an L1 loss, in the last epochs (YOLOX).

    Args:
        num_last_epochs: how many these are.
        skip_type_keys: steps of MultiImageMixDataset that are left out then.
    """

    def __init__(
        self,
        num_last_epochs: int = 15,
        skip_type_keys: Sequence[str] = ("Mosaic", "RandomAffine", "MixUp"),
    ) -> None:
        self.num_last_epochs = num_last_epochs
        self.skip_type_keys = skip_type_keys
        self._has_switched = False

    def before_train_epoch(self, runner: BaseRunner) -> None:
        """Switches; workers that were kept alive are started anew with the changed data set."""
        first = (runner.max_epochs or 0) - self.num_last_epochs
        if self._has_switched or runner.epoch < first:
            return
        self._has_switched = True
        loader: Any = runner.data_loader
        loader.dataset.update_skip_type_keys(self.skip_type_keys)
        loader._iterator = None
        head = getattr(runner.strategy.module, "bbox_head", None)
        if hasattr(head, "use_l1"):
            head.use_l1 = True  # type: ignore[union-attr]
