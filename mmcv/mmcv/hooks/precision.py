"""The hooks that configs ask for half precision with.

What they mean is done before the run starts, by ``mmcv.runner.precision.apply_precision``: once the
optimizer and the parallel wrapper hold the parameters, their dtype must not change any more.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)


@HOOKS.register_module()
class ToBFloat16Hook(Hook):
    """Trains with a bfloat16 backbone; without DeepSpeed the heads stay in fp32."""

    dtype: ClassVar[torch.dtype] = torch.bfloat16

    def before_run(self, runner: BaseRunner) -> None:
        """Checks that the backbone has the dtype, and logs that of every part.

        Raises:
            ConfigError: it has not.
        """
        module = runner.strategy.module
        dtypes = {name: _dtype_names(child) for name, child in module.named_children()}
        wanted = str(self.dtype).removeprefix("torch.")
        if dtypes.get("backbone") != wanted:
            raise ConfigError(
                f"custom_hooks: {type(self).__name__} wants a {wanted} backbone, but its"
                f" parameters are {dtypes.get('backbone', 'missing')}. With DeepSpeed the"
                " deepspeed_config decides (bf16.enabled, fp16.enabled): use a json that agrees, or"
                " remove the hook. Code that builds its own runner calls"
                " mmcv.runner.precision.apply_precision(model, cfg) first"
            )
        table = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items() if dtype)
        logger.info("%s: %s", type(self).__name__, table)


@HOOKS.register_module()
class ToFloat16Hook(ToBFloat16Hook):
    """Trains with a float16 backbone; without DeepSpeed the heads stay in fp32."""

    dtype: ClassVar[torch.dtype] = torch.float16


def _dtype_names(module: nn.Module) -> str:
    """Returns the dtypes of the floating-point parameters, the most frequent first."""
    found = Counter(str(p.dtype) for p in module.parameters() if p.is_floating_point())
    return " and ".join(name.removeprefix("torch.") for name, _ in found.most_common())
