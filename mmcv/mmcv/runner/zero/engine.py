"""Builds a DeepSpeed engine around a model and a torch optimizer: the one import of deepspeed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mmcv.registry import ConfigError
from mmcv.runner.dist_utils import init_world_of_one
from mmcv.runner.zero.settings import engine_dtype, zero_stage

logger = logging.getLogger(__name__)


def build_engine(
    model: nn.Module, optimizer: torch.optim.Optimizer, settings: Mapping[str, Any]
) -> Any:
    """Returns the engine.

    Args:
        model: what the engine calls.
        optimizer: of its parameters; those that are frozen are taken out.
        settings: as ``load_deepspeed_config`` returns them.

    Raises:
        ConfigError: there is nothing to train, or no deepspeed.
    """
    _keep_trainable(optimizer)
    _join_process_group()
    deepspeed = _import_deepspeed()
    config = _fit_buckets(settings, sum(p.numel() for p in model.parameters() if p.requires_grad))
    if zero_stage(settings) == 0 and engine_dtype(settings) == torch.float32:
        config["gradient_clipping"] = 0.0  # The strategy clips: the engine would not tell the norm.
    return deepspeed.initialize(model=model, optimizer=optimizer, config=config)[0]


def gathered(engine: Any) -> AbstractContextManager[Any]:
    """Returns a context in which the model of a ZeRO-3 engine is whole and without its hooks."""
    from deepspeed.runtime.zero.stage3 import unwrap_model_for_generation

    return unwrap_model_for_generation(engine)


def keep_order(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings under which ZeRO-1 reduces gradients in the model's order."""
    zero = {**(settings.get("zero_optimization") or {})}
    if zero_stage(settings) == 1:
        zero["overlap_comm"] = False
    return {**settings, "zero_optimization": zero}


def touch(loss: Tensor, params: Iterable[nn.Parameter]) -> Tensor:
    """Returns the loss; its backward gives every parameter a gradient, zero if it had none.

    ZeRO-1 reduces the gradients that exist: a rank that lacks one would pair up different ones.
    """
    return _Touch.apply(loss, *params)  # type: ignore[return-value]


def deliver(loss: Tensor, params: Iterable[nn.Parameter]) -> Tensor:
    """Returns the loss; its backward gives all parameters their gradients at once, in their order.

    ZeRO-2 reduces gradients as they come. Ranks that use different parts of the model would pair up
    different ones, and wait for those that never come. The price: for a moment all gradients exist.
    """
    return _Deliver.apply([loss], *params)  # type: ignore[return-value]


class _Touch(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, *params: Tensor) -> Tensor:
        ctx.save_for_backward(*params)
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        zeros = (p.new_zeros(()).expand_as(p) for p in ctx.saved_tensors)  # of no size
        return grads[0], *zeros


class _Deliver(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: list[Tensor], *params: Tensor) -> Tensor:
        ctx.loss, ctx.params = hidden[0], params  # hidden from the graph that is built now
        return hidden[0].detach().clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        # Here, and not before, because the gradient that comes in is the loss scale.
        own = torch.autograd.grad(ctx.loss, ctx.params, grads[0], allow_unused=True)
        pairs = zip(own, ctx.params, strict=True)
        return None, *(torch.zeros_like(p) if grad is None else grad for grad, p in pairs)


def _keep_trainable(optimizer: Any) -> None:
    """Takes frozen parameters, and groups of nothing else, out of the optimizer."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ConfigError(f"deepspeed=True needs one torch optimizer, got {type(optimizer)}")
    for group in optimizer.param_groups:
        group["params"] = [p for p in group["params"] if p.requires_grad]
    optimizer.param_groups[:] = [g for g in optimizer.param_groups if g["params"]]
    if not optimizer.param_groups:
        raise ConfigError("no parameter is trainable: every part of the model is frozen")


def _fit_buckets(settings: Mapping[str, Any], numel: int) -> dict[str, Any]:
    """Caps the buckets, which are allocated in full, at what the trainable parameters can fill."""
    zero = dict(settings.get("zero_optimization") or {})
    if zero_stage(settings) > 0:
        limit = 2 * ((numel + 1) // 2)  # DeepSpeed wants even sizes.
        for key in ("reduce_bucket_size", "allgather_bucket_size"):
            zero[key] = min(int(zero.get(key, 500_000_000)), limit)
    return {**settings, "zero_optimization": zero}


def _import_deepspeed() -> Any:
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    try:
        import deepspeed
        import deepspeed.ops
    except ImportError as error:
        raise ConfigError(
            f"deepspeed=True needs the package deepspeed ({error}): pip install deepspeed"
        ) from error
    # Without this, the first use on a CPU compiles a communication op for over a minute.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.utils.logger.setLevel(logging.WARNING)
    return deepspeed


def _join_process_group() -> None:
    """Makes a group of one process if the launcher made none; names this process's device."""
    if not dist.is_initialized():
        init_world_of_one()
    devices = max(torch.cuda.device_count(), 1)
    os.environ.setdefault("LOCAL_RANK", str(dist.get_rank() % devices))
