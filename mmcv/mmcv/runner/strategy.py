"""How a model is run and updated: alone, with DistributedDataParallel, or with DeepSpeed.

The only seam to them: the runner and its hooks see nothing but :class:`Strategy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mmcv.config import Config
from mmcv.runner.device import to_device
from mmcv.runner.dist_utils import is_distributed
from mmcv.runner.torch_strategy import Distributed, SingleDevice
from mmcv.runner.train_step import TrainStep, has_own_train_step, outputs_of

__all__ = [
    "Distributed",
    "SingleDevice",
    "Strategy",
    "TrainStep",
    "has_own_train_step",
    "make_strategy",
    "outputs_of",
    "to_device",
]


class Strategy(Protocol):
    """What the runner needs of a way to run a model.

    Attributes:
        module: the bare model: what hooks, evaluation and checkpoints look at.
        optimizer: a torch optimizer, what stands in for it, or None.
        device: where batches go.
        suffix: ``".pth"`` if a checkpoint is a file, ``""`` if it is a directory.
        boundary: whether the iteration ends with a step of the optimizer. Set before ``forward``;
            while it is False, ``update`` only adds gradients up.
        skips_non_finite: whether ``update`` leaves the step out if the gradients are not finite,
            and returns their norm; False unless it is set.
        scales_loss: whether fp16 with a loss scale is used, where such steps are left out anyway
            and mean nothing but that the scale was too large.
    """

    module: nn.Module
    optimizer: Any
    device: torch.device
    suffix: str
    boundary: bool
    skips_non_finite: bool

    @property
    def scales_loss(self) -> bool:
        """See above."""
        ...

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups whose ``lr``, ``momentum`` ... schedules may change."""
        ...

    @property
    def can_save(self) -> bool:
        """Whether ``save`` would store all that continuing needs; else wait for a boundary."""
        ...

    def forward(self, batch: Any) -> dict[str, Any]:
        """Runs a training batch, moved to ``device``, through the model.

        Returns:
            ``loss``: scalar with its graph; ``log_vars``: scalars to log, detached, on the device,
            of this rank; ``num_samples``: images in the batch.
        """
        ...

    def update(
        self,
        loss: Tensor,
        *,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        divide_by: int = 1,
    ) -> Tensor | None:
        """Does zero_grad, backward, clipping and a step; or only backward, see ``boundary``.

        Args:
            loss: ``forward``'s.
            max_norm: clip gradients to this norm over all parameters.
            norm_type: which norm.
            divide_by: number of iterations that the gradients are accumulated over.

        Returns:
            The norm of the gradients before clipping, on the device, if it was computed.
        """
        ...

    def save(
        self,
        path: Path,
        state: dict[str, Any],
        *,
        with_optimizer: bool = True,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Writes model, optimizer and ``state``, atomically. Collective: every rank calls it.

        Args:
            path: file or directory, by ``suffix``.
            state: what the runner wants back from ``load``: plain types and tensors, equal on all
                ranks; ``state['meta']`` is read by tools.
            with_optimizer: without, the checkpoint cannot be resumed.
            then: called on every rank when the checkpoint is complete. With it the values are
                copied to host memory and written in the background, and ``update`` of a later
                iteration or ``finish_saving`` completes it; without, before this returns.
        """
        ...

    def finish_saving(self) -> None:
        """Waits until a checkpoint that is written in the background is complete. Collective."""
        ...

    def leave(self) -> None:
        """Completes what can be without other ranks, when an error ends the run; never raises."""
        ...

    def load(self, path: Path, *, with_optimizer: bool = True) -> dict[str, Any]:
        """Restores model and optimizer and returns ``state``. Collective; errors are fatal."""
        ...

    def verify(self, path: Path) -> None:
        """Raises CheckpointError, saying why, unless ``path`` is a complete checkpoint."""
        ...

    def train(self) -> None:
        """Puts the model into training mode."""
        ...

    def eval(self) -> None:
        """Puts the model into evaluation mode."""
        ...


def make_strategy(
    model: nn.Module, optimizer: Any, settings: Config | Mapping[str, Any]
) -> Strategy:
    """Chooses by config and process group.

    Args:
        model: on its device, in its final dtypes (``apply_precision``).
        optimizer: of its parameters, or None.
        settings: the config: ``deepspeed``, ``deepspeed_config``, ``find_unused_parameters`` ...
    """
    if settings.get("deepspeed") is True:
        from mmcv.runner.deepspeed import DeepSpeedStrategy

        return DeepSpeedStrategy.from_config(model, optimizer, settings)
    save_frozen = bool((settings.get("checkpoint_config") or {}).get("save_frozen", False))
    if is_distributed():
        return Distributed(
            model,
            optimizer,
            save_frozen=save_frozen,
            find_unused_parameters=settings.get("find_unused_parameters", False),
            broadcast_buffers=settings.get("broadcast_buffers", False),
        )
    return SingleDevice(model, optimizer, save_frozen=save_frozen)
