"""Exponential moving average of the weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)


@HOOKS.register_module()
class EMAHook(Hook):
    """Keeps an average of the trained weights, and lends it to evaluations and checkpoints.

    ``average = (1 - momentum) * average + momentum * weight``, in fp32. The weights in a checkpoint
    are the averaged ones; the raw ones, which training continues with, are in the hook's state.

    Args:
        momentum: weight of the newest value. As in 1.x it is raised to the power ``interval``, and
            limited to ``(1 + i) / (warm_up + i)`` in iteration i.
        interval: in iterations.
        warm_up: see ``momentum``.
        resume_from: checkpoint to resume the run from.
    """

    # With the CheckpointHook before this one, the iteration of a checkpoint is still to be added.
    replay = True

    def __init__(
        self,
        momentum: float = 0.0002,
        interval: int = 1,
        warm_up: int = 100,
        resume_from: str | None = None,
    ) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise ConfigError(f"EMAHook: interval must be a positive integer, got {interval!r}")
        if not 0 < momentum < 1:
            raise ConfigError(f"EMAHook: momentum must be between 0 and 1, got {momentum}")
        self.warm_up = warm_up
        self.interval = interval
        self.momentum = momentum**interval
        self.checkpoint = resume_from
        self._module: nn.Module = nn.Module()
        self._average: dict[str, Tensor] = {}
        self._raw: dict[str, Tensor] = {}  # while the model holds the averages

    def before_run(self, runner: BaseRunner) -> None:
        """Starts the average at the present weights."""
        self._module = runner.strategy.module
        if any(param.numel() == 0 for _, param in self._trained()):
            raise ConfigError("EMAHook needs whole parameters: use ZeRO stage 1 or 2, not 3")
        self._average = {
            name: param.detach().to(torch.float32, copy=True) for name, param in self._trained()
        }
        if self.checkpoint is not None:
            runner.resume(self.checkpoint)

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Adds the weights of this iteration."""
        if runner.iter % self.interval != 0:
            return
        limit = (1 + runner.iter) / max(self.warm_up + runner.iter, 1)
        momentum = min(self.momentum, limit)
        for name, param in self._trained():
            value = param.detach().to(torch.float32)
            self._average[name].mul_(1 - momentum).add_(value, alpha=momentum)

    def before_evaluation(self, runner: BaseRunner) -> None:
        """Lends the average to the model."""
        self._lend()

    def after_evaluation(self, runner: BaseRunner) -> None:
        """Gives the model its own weights back."""
        self._take_back()

    def before_save_checkpoint(self, runner: BaseRunner) -> None:
        """Lends the average to the model."""
        self._lend()

    def after_save_checkpoint(self, runner: BaseRunner) -> None:
        """Gives the model its own weights back."""
        self._take_back()

    def state_dict(self) -> dict[str, Any]:
        """Returns the averages, and the raw weights if the model does not hold them now."""
        return {
            "average": {name: value.cpu() for name, value in self._average.items()},
            "raw": {name: value.cpu() for name, value in self._raw.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the averages, and the model's raw weights."""
        missing = [name for name in self._average if name not in state["average"]]
        if missing:
            raise ConfigError(
                f"the checkpoint has no average of {len(missing)} parameters that are trained now,"
                f" such as {missing[0]}: resume with the same model, or use load_from"
            )
        for name, param in self._trained():
            self._average[name].copy_(state["average"][name])
            if name in state["raw"]:
                param.data.copy_(state["raw"][name])

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self._module.named_parameters() if p.requires_grad)

    def _lend(self) -> None:
        for name, param in self._trained():
            self._raw[name] = param.detach().clone()
            param.data.copy_(self._average[name])

    def _take_back(self) -> None:
        for name, param in self._trained():
            param.data.copy_(self._raw[name])
        self._raw.clear()
