"""Running a model with nothing but torch: in one process, or with DistributedDataParallel."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_, get_total_norm

from mmcv.parallel import is_module_wrapper
from mmcv.runner.checkpoint import read_resumable, verify_file
from mmcv.runner.device import device_of, to_device
from mmcv.runner.dist_utils import allreduce_grads
from mmcv.runner.external import ExternalWeights
from mmcv.runner.file_saver import FileSaver
from mmcv.runner.train_step import TrainStep

# Newer releases of torch call it otherwise, and warn about the old name.
_BUFFERS_OPTION = (
    "forward_sync_buffers"
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
    else "broadcast_buffers"
)


class SingleDevice:
    """Runs the model in this process.

    Args:
        model: has ``train_step`` or derives from BaseModel; may be in a wrapper with ``.module``.
        optimizer: of its parameters; None if there is nothing to update.
        device: where batches go; by default where the model is.
        save_frozen: store frozen weights that are those of a pretrained file, too.
    """

    suffix = ".pth"

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any = None,
        device: torch.device | None = None,
        *,
        save_frozen: bool = False,
    ) -> None:
        if not hasattr(model, "train_step"):
            raise AssertionError(f"{type(model).__name__} has no method train_step")
        self.module: nn.Module = model.module if is_module_wrapper(model) else model  # type: ignore[assignment]
        self.optimizer = optimizer
        self.device = device or device_of(model)
        self.boundary = True
        self.skips_non_finite = False
        self._step = TrainStep(model, optimizer)
        self._autocast = torch.autocast(self.device.type, enabled=False)
        self._scaler = _make_scaler(self.device, enabled=False)
        self._fixed_scale: float | None = None
        self._stored_scale: dict[str, Any] = {}  # of the checkpoint that is resumed
        self._has_gradients = False  # of iterations since the last step
        self._saver = FileSaver()
        self._external = ExternalWeights(self.module, enabled=not save_frozen)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """See Strategy."""
        return self.optimizer.param_groups

    @property
    def can_save(self) -> bool:
        """See Strategy: always, for gradients that wait for others are stored too."""
        return True

    @property
    def scales_loss(self) -> bool:
        """See Strategy."""
        return self._scaler.is_enabled()

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
        self._saver.poll()
        if not self.boundary:
            return None
        norm = None
        params = [p for p in self.module.parameters() if p.grad is not None]
        if max_norm is not None and params:
            self._scaler.unscale_(self.optimizer)
            norm = clip_grad_norm_(params, max_norm, norm_type)
        elif self.skips_non_finite and params and not self.scales_loss:
            norm = get_total_norm([p.grad for p in params if p.grad is not None])
        if norm is not None and self._refuses(norm):
            return norm
        self._scaler.step(self.optimizer)
        self._scaler.update(self._fixed_scale)
        return norm

    def save(
        self,
        path: Path,
        state: dict[str, Any],
        *,
        with_optimizer: bool = True,
        then: Callable[[], None] | None = None,
    ) -> None:
        """See Strategy; rank 0 writes the file."""
        state = {**state, "gradients": self._gradients_to_save()}
        state["loss_scaler"] = self._scaler.state_dict()
        optimizer = self.optimizer if with_optimizer else None
        external = self._external.record()
        self._saver.save(path, self.module, optimizer, state, external=external, then=then)

    def finish_saving(self) -> None:
        """See Strategy."""
        self._saver.finish()

    def leave(self) -> None:
        """See Strategy."""
        self._saver.leave()

    def load(self, path: Path, *, with_optimizer: bool = True) -> dict[str, Any]:
        """See Strategy."""
        self.finish_saving()
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

    def _refuses(self, norm: Tensor) -> bool:
        """Whether a step with gradients of that norm is left out."""
        return self.skips_non_finite and not self.scales_loss and not math.isfinite(norm)

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
        save_frozen: as for SingleDevice.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any = None,
        device: torch.device | None = None,
        *,
        find_unused_parameters: bool = False,
        broadcast_buffers: bool = False,
        save_frozen: bool = False,
    ) -> None:
        super().__init__(model, optimizer, device, save_frozen=save_frozen)
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


def _make_scaler(device: torch.device, **options: Any) -> Any:
    return torch.amp.GradScaler(device.type, **options)  # type: ignore[attr-defined]
