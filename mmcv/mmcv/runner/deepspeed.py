"""Training through DeepSpeed: with ``zero/engine.py`` and ``zero/partition.py``, all of its API.

Nothing here imports deepspeed until an engine is built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.registry import ConfigError
from mmcv.runner.external import ExternalWeights
from mmcv.runner.files import CheckpointError
from mmcv.runner.strategy import TrainStep, to_device
from mmcv.runner.zero import checkpoint
from mmcv.runner.zero.directory import verify
from mmcv.runner.zero.engine import build_engine, deliver, gathered, keep_order, touch
from mmcv.runner.zero.frozen import FrozenWeights
from mmcv.runner.zero.partition import (
    CopiedPartition,
    FlatPartition,
    Partition,
    PlainPartition,
    ShardedPartition,
)
from mmcv.runner.zero.saver import Saver
from mmcv.runner.zero.settings import (
    TrainingConfig,
    engine_dtype,
    load_deepspeed_config,
    zero_stage,
)

COUNTERS = ("global_steps", "global_samples", "micro_steps", "skipped_steps")


class DeepSpeedStrategy:
    """Runs and updates a model through a DeepSpeed engine, ZeRO stages 0 to 3.

    Args:
        model: the bare model; its trainable parameters are those of the optimizer.
        optimizer: a torch optimizer over the model's parameters.
        settings: of the engine, as ``load_deepspeed_config`` returns them.
        find_unused_parameters: lets ranks skip different parts of the model in one iteration, at
            stages 0 to 2. Parts that all ranks skip need nothing; but unlike in plain PyTorch,
            weight decay reaches them.
        save_frozen: store frozen weights that are those of a pretrained file, too.

    Attributes:
        module: the bare model. Under ZeRO-3 its parameters are empty outside of forward.
        optimizer: the optimizer given; writing ``lr`` into its param groups takes effect.
        suffix: empty: a checkpoint is a directory.
        device: where batches are moved to.
        boundary: see ``mmcv.runner.strategy.Strategy``.
    """

    suffix = ""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        settings: Mapping[str, Any],
        *,
        find_unused_parameters: bool = False,
        save_frozen: bool = False,
    ) -> None:
        self.stage = zero_stage(settings)
        completions = {1: touch, 2: deliver} if find_unused_parameters else {}
        self._complete = completions.get(self.stage)  # of the gradients, if ranks lack some
        self.settings = keep_order(settings) if find_unused_parameters else dict(settings)
        self.max_norm = float(settings["gradient_clipping"])
        self.engine = build_engine(TrainStep(model, optimizer), optimizer, self.settings)
        self.module = model
        self.optimizer = optimizer
        self.device = torch.device(self.engine.device)
        self.partition = self._make_partition()
        self.frozen = FrozenWeights(model, self.partition, but_pretrained=not save_frozen)
        self.external = ExternalWeights(
            model,
            whole=self.partition.full,
            local=self.partition.local,
            enabled=not save_frozen,
        )
        self.boundary = True
        self.skips_non_finite = False
        self._gathered = ExitStack()
        self._saver = Saver(self)

    @classmethod
    def from_config(
        cls, model: nn.Module, optimizer: torch.optim.Optimizer, cfg: TrainingConfig
    ) -> DeepSpeedStrategy:
        """Builds the strategy that a training config with ``deepspeed=True`` asks for."""
        if cfg.get("deepspeed_config") is None:
            raise ConfigError(
                "deepspeed=True needs deepspeed_config: a json file, a dict, or a preset such as "
                "'zero1_bf16'"
            )
        settings = load_deepspeed_config(cfg["deepspeed_config"], cfg)
        checkpoints = cfg.get("checkpoint_config") or {}
        return cls(
            model,
            optimizer,
            settings,
            find_unused_parameters=bool(cfg.get("find_unused_parameters", False)),
            save_frozen=bool(checkpoints.get("save_frozen", False)),
        )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups whose ``lr`` the next step uses."""
        return self.optimizer.param_groups

    @property
    def can_save(self) -> bool:
        """See Strategy: only after a step, for an engine's accumulated gradients are its own."""
        return self.boundary

    @property
    def scales_loss(self) -> bool:
        """See Strategy."""
        return engine_dtype(self.settings) == torch.float16

    @property
    def counters(self) -> dict[str, int]:
        """What the engine counts: steps, samples."""
        return {key: int(getattr(self.engine, key)) for key in COUNTERS}

    @counters.setter
    def counters(self, values: Mapping[str, int]) -> None:
        for key in COUNTERS:
            setattr(self.engine, key, values[key])

    @property
    def _is_plain(self) -> bool:
        """Stage 0 in fp32, where the engine steps the optimizer without a wrapper."""
        return self.stage == 0 and engine_dtype(self.settings) == torch.float32

    def forward(self, batch: Any) -> dict[str, Any]:
        """See Strategy."""
        # By keyword, where the hooks of ZeRO-3 do not look for tensors among the meta data.
        return self.engine(batch=to_device(batch, self.device))

    def update(
        self,
        loss: Tensor,
        *,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        divide_by: int = 1,
    ) -> Tensor | None:
        """Does backward, and at a boundary averages over the ranks, clips and steps.

        Args:
            loss: ``forward``'s.
            max_norm: of ``optimizer_config.grad_clip``. The engine was built with it, so another
                value is an error.
            norm_type: 2.
            divide_by: number of iterations that the gradients are accumulated over.

        Returns:
            The norm of the gradient over all ranks before clipping; infinite if the engine skipped
            the step because of it; None where nothing is stepped.
        """
        self._check_clipping(max_norm, norm_type)
        if self._complete is not None:
            loss = self._complete(loss, (p for p in self.module.parameters() if p.requires_grad))
        self.engine.set_gradient_accumulation_boundary(self.boundary)
        self.engine.backward(loss / divide_by if divide_by > 1 else loss, scale_wrt_gas=False)
        norm = self._clip() if self.boundary and self._is_plain else None
        if self.skips_non_finite and norm is not None and not math.isfinite(norm):
            self.engine.zero_grad()  # as engines with a wrapper do, which leave such steps out
        self.engine.step()
        self._saver.poll()
        if norm is None and self.boundary:
            norm = torch.as_tensor(self.engine.get_global_grad_norm(), device=self.device)
        return norm

    def train(self) -> None:
        """Puts the model into training mode, after ``eval`` too."""
        self._gathered.close()
        self.module.train()

    def eval(self) -> None:
        """Puts the model into evaluation mode.

        Under ZeRO-3 its parameters are gathered until ``train`` is called: ranks may then run
        different numbers of forwards, as sliding windows over images of different sizes do.
        """
        if self.stage == 3:
            self._gathered.close()
            self._gathered.enter_context(gathered(self.engine))
        self.module.eval()

    def save(
        self,
        path: Path,
        state: dict[str, Any],
        *,
        with_optimizer: bool = True,
        then: Callable[[], None] | None = None,
    ) -> None:
        """See Strategy; ``zero/checkpoint.py`` has the layout.

        Args:
            path: see Strategy.
            state: see Strategy.
            with_optimizer: see Strategy.
            then: called on every rank when the checkpoint is complete. With it the writing happens
                in the background, and ``update`` or ``finish_saving`` completes it; without, now.
        """
        if not self.can_save:
            raise CheckpointError(
                f"{path}: cannot be saved between two steps of the optimizer: the gradients"
                " gathered so far would be lost; choose checkpoint_config.interval as a multiple of"
                " optimizer_config.cumulative_iters"
            )
        self._saver.save(path, state, with_optimizer=with_optimizer, then=then)

    def finish_saving(self) -> None:
        """Waits until a checkpoint that is written in the background is complete. Collective."""
        self._saver.finish()

    def leave(self) -> None:
        """See Strategy."""
        self._saver.leave()

    def load(self, path: Path, *, with_optimizer: bool = True) -> dict[str, Any]:
        """See Strategy; the checkpoint may be of any stage and number of ranks."""
        self.finish_saving()
        return checkpoint.load(self, path, with_optimizer=with_optimizer)

    def verify(self, path: Path) -> None:
        """See Strategy."""
        verify(path)

    def _clip(self) -> Tensor:
        params = [p for p in self.module.parameters() if p.grad is not None]
        limit = self.max_norm or float("inf")
        return torch.nn.utils.clip_grad_norm_(params, limit)

    def _check_clipping(self, max_norm: float | None, norm_type: float) -> None:
        if max_norm is not None and (max_norm != self.max_norm or norm_type != 2):
            raise ConfigError(
                f"max_norm={max_norm}, norm_type={norm_type}: the engine was built to clip to "
                f"{self.max_norm}; set optimizer_config.grad_clip or the json's gradient_clipping"
            )

    def _make_partition(self) -> Partition:
        names = {param: name for name, param in self.module.named_parameters()}
        if self._is_plain:
            return PlainPartition(self.optimizer, names)
        zero = self.engine.optimizer
        if self.stage == 0:
            return CopiedPartition(zero, names)
        if self.stage == 3:
            return ShardedPartition(zero, names, self.device)
        return FlatPartition(zero, names)
