"""What checkpoints of ``ZeroAdamW`` need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


@HOOKS.register_module()
class ZeroHook(Hook):
    """Gathers the state of a ``ZeroRedundancyOptimizer`` on rank 0 before every checkpoint.

    Args:
        interval: accepted; 1.x gathered every so many iterations, whether there was a checkpoint or
            not.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def before_run(self, runner: BaseRunner) -> None:
        """Checks that the optimizer is one whose state is spread."""
        if not hasattr(runner.optimizer, "consolidate_state_dict"):
            raise ConfigError(
                "custom_hooks: ZeroHook belongs to optimizer=dict(type='ZeroAdamW'), but the"
                f" optimizer is {type(runner.optimizer).__name__}"
            )

    def before_save_checkpoint(self, runner: BaseRunner) -> None:
        """Gathers. Collective."""
        runner.optimizer.consolidate_state_dict(to=0)
