"""How a model is run and updated: alone, with DistributedDataParallel, or with DeepSpeed.

The only seam to them: the runner and its hooks see nothing but :class:`Strategy`.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from mmcv.config import Config
from mmcv.model import BaseModel, parse_losses
from mmcv.parallel import is_module_wrapper
from mmcv.runner.checkpoint import read_resumable, verify_file, write_checkpoint
from mmcv.runner.device import device_of, to_device
from mmcv.runner.dist_utils import allreduce_grads, is_distributed

logger = logging.getLogger(__name__)

# Newer releases of torch call it otherwise, and warn about the old name.
_BUFFERS_OPTION = (
    "forward_sync_buffers"
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
    else "broadcast_buffers"
)


class Strategy(Protocol):
    """What the runner needs of a way to run a model.

    Attributes:
        module: the bare model: what hooks, evaluation and checkpoints look at.
        optimizer: a torch optimizer, what stands in for it, or None.
        device: where batches go.
        suffix: ``".pth"`` if a checkpoint is a file, ``""`` if it is a directory.
        boundary: whether the iteration ends with a step of the optimizer. Set before ``forward``;
            while it is False, ``update`` only adds gradients up.
    """

    module: nn.Module
    optimizer: Any
    device: torch.device
    suffix: str
    boundary: bool

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups whose ``lr``, ``momentum`` ... schedules may change."""
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

    def save(self, path: Path, state: dict[str, Any], *, with_optimizer: bool = True) -> None:
        """Writes model, optimizer and ``state``, atomically. Collective: every rank calls it.

        Args:
            path: file or directory, by ``suffix``.
            state: what the runner wants back from ``load``: plain types and tensors, equal on all
                ranks; ``state['meta']`` is read by tools.
            with_optimizer: without, the checkpoint cannot be resumed.
        """
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


class SingleDevice:
    """Runs the model in this process.

    Args:
        model: has ``train_step`` or derives from BaseModel; may be in a wrapper with ``.module``.
        optimizer: of its parameters; None if there is nothing to update.
        device: where batches go; by default where the model is.
    """

    suffix = ".pth"

    def __init__(
        self, model: nn.Module, optimizer: Any = None, device: torch.device | None = None
    ) -> None:
        if not hasattr(model, "train_step"):
            raise AssertionError(f"{type(model).__name__} has no method train_step")
        self.module: nn.Module = model.module if is_module_wrapper(model) else model  # type: ignore[assignment]
        self.optimizer = optimizer
        self.device = device or device_of(model)
        self.boundary = True
        self._step = TrainStep(model, optimizer)
        self._autocast = torch.autocast(self.device.type, enabled=False)
        self._scaler = _make_scaler(self.device, enabled=False)
        self._fixed_scale: float | None = None
        self._stored_scale: dict[str, Any] = {}  # of the checkpoint that is resumed
        self._has_gradients = False  # of iterations since the last step

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """See Strategy."""
        return self.optimizer.param_groups

    def use_fp16(self, loss_scale: float | str | Mapping[str, Any]) -> None:
        """Computes in fp16 where that is safe, from now on; parameters stay as they are.

        Args:
            loss_scale: a number, "dynamic", or arguments of ``torch.amp.GradScaler``.
        """
        options = dict(loss_scale) if isinstance(loss_scale, Mapping) else {}
        if isinstance(loss_scale, (int, float)):
            self._fixed_scale = options["init_scale"] = float(loss_scale)
        self._autocast = torch.autocast(self.device.type, dtype=torch.float16)
        self._scaler = _make_scaler(self.device, **options)
        if self._stored_scale:
            self._scaler.load_state_dict(self._stored_scale)

    def forward(self, batch: Any) -> dict[str, Any]:
        """See Strategy."""
        with self._autocast:
            return self._step(to_device(batch, self.device))

    def update(
        self,
        loss: Tensor,
        *,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        divide_by: int = 1,
    ) -> Tensor | None:
        """See Strategy."""
        if not self._has_gradients:
            self.optimizer.zero_grad()
        self._scaler.scale(loss / divide_by if divide_by > 1 else loss).backward()
        self._has_gradients = not self.boundary
        if not self.boundary:
            return None
        norm = None
        params = [p for p in self.module.parameters() if p.grad is not None]
        if max_norm is not None and params:
            self._scaler.unscale_(self.optimizer)
            norm = clip_grad_norm_(params, max_norm, norm_type)
        self._scaler.step(self.optimizer)
        self._scaler.update(self._fixed_scale)
        return norm

    def save(self, path: Path, state: dict[str, Any], *, with_optimizer: bool = True) -> None:
        """See Strategy; rank 0 writes the file."""
        state = {**state, "gradients": self._gradients_to_save()}
        state["loss_scaler"] = self._scaler.state_dict()
        write_checkpoint(path, self.module, self.optimizer if with_optimizer else None, state)

    def load(self, path: Path, *, with_optimizer: bool = True) -> dict[str, Any]:
        """See Strategy."""
        state = read_resumable(path, self.module, self.optimizer if with_optimizer else None)
        self._stored_scale = state.pop("loss_scaler", {})
        gradients = state.pop("gradients", {})
        for name, param in self.module.named_parameters():
            param.grad = gradients[name].to(param) if name in gradients else None
        self._has_gradients = bool(gradients)
        return state

    def verify(self, path: Path) -> None:
        """See Strategy."""
        verify_file(path)

    def train(self) -> None:
        """See Strategy."""
        self.module.train()

    def eval(self) -> None:
        """See Strategy."""
        self.module.eval()

    def _gradients_to_save(self) -> dict[str, Tensor]:
        """Returns gradients that wait for the rest of their accumulation, equal on all ranks."""
        if not self._has_gradients:
            return {}
        # Without a reduction in every iteration (no_sync) each rank holds its own sum. The mean of
        # the ranks' sums is what the reduction at the boundary would make of them.
        allreduce_grads(self.module.parameters())
        named = self.module.named_parameters()
        return {name: p.grad.cpu() for name, p in named if p.grad is not None}


class Distributed(SingleDevice):
    """One process per device; gradients are averaged by DistributedDataParallel.

    Args:
        model: as for SingleDevice.
        optimizer: as for SingleDevice.
        device: as for SingleDevice.
        find_unused_parameters: needed if parts of the model do not contribute to every loss.
        broadcast_buffers: rank 0's buffers before every iteration.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any = None,
        device: torch.device | None = None,
        *,
        find_unused_parameters: bool = False,
        broadcast_buffers: bool = False,
    ) -> None:
        super().__init__(model, optimizer, device)
        self._parallel: nn.Module = self._step
        if any(p.requires_grad for p in self.module.parameters()):
            options: dict[str, Any] = {_BUFFERS_OPTION: broadcast_buffers}
            options["find_unused_parameters"] = find_unused_parameters
            self._parallel = DistributedDataParallel(self._step, **options)

    def forward(self, batch: Any) -> dict[str, Any]:
        """See Strategy."""
        with contextlib.ExitStack() as stack:
            if not self.boundary and isinstance(self._parallel, DistributedDataParallel):
                stack.enter_context(self._parallel.no_sync())
            stack.enter_context(self._autocast)
            return self._parallel(to_device(batch, self.device))


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
    if is_distributed():
        return Distributed(
            model,
            optimizer,
            find_unused_parameters=settings.get("find_unused_parameters", False),
            broadcast_buffers=settings.get("broadcast_buffers", False),
        )
    return SingleDevice(model, optimizer)


def _make_scaler(device: torch.device, **options: Any) -> Any:
    return torch.amp.GradScaler(device.type, **options)  # type: ignore[attr-defined]
