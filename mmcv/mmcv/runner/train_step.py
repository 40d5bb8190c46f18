"""What parallel wrappers wrap: one training step of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.model import BaseModel, parse_losses


class TrainStep(nn.Module):
    """The callable that parallel wrappers wrap: a batch in, ``dict(loss, log_vars, ...)`` out."""

    def __init__(self, module: nn.Module, optimizer: Any) -> None:
        super().__init__()
        self.module = module
        self.optimizer = optimizer

    def forward(self, batch: Any) -> dict[str, Any]:
        """Returns the outputs of one training step of the model; see ``Strategy.forward``."""
        if has_own_train_step(self.module):
            return self.module.train_step(batch, self.optimizer)  # type: ignore[operator]
        return outputs_of(self.module(**batch), batch)


def has_own_train_step(module: nn.Module) -> bool:
    """Whether a user's model replaces what 1.x calls per iteration."""
    # BaseModel's own version turns every loss into a number, which waits for the device each time.
    if not isinstance(module, BaseModel):
        return True
    cls = type(module)
    names = ("train_step", "_parse_losses")
    return any(getattr(cls, name) is not getattr(BaseModel, name) for name in names)


def outputs_of(losses: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``dict(loss, log_vars, num_samples)`` of a forward pass's losses by name."""
    loss, log_vars = parse_losses(losses)
    return {"loss": loss, "log_vars": log_vars, "num_samples": len(batch["img_metas"])}
