"""Lets samplers draw another order in every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class DistSamplerSeedHook(Hook):
    """Calls ``set_epoch`` of the loader's sampler; the runner does so too, since loaders differ."""

    def before_epoch(self, runner: BaseRunner) -> None:
        """Finds the sampler, or that of the batch sampler."""
        loader = runner.data_loader
        for owner in (loader, getattr(loader, "batch_sampler", None)):
            sampler: Any = getattr(owner, "sampler", None)
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(runner.epoch)
                return
