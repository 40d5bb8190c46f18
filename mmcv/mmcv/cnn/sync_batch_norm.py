"""Batch norm over the images of all ranks, for any backend and dtype, with BatchNorm's keys.

torch's SyncBatchNorm refuses CPU tensors, and neither it nor BatchNorm takes bf16 parameters next
to fp32 running statistics, which is what DeepSpeed's bf16 engine makes of a model. Here statistics
are fp32 whatever the dtypes of input and parameters, and a run on n ranks equals a run on one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SyncBatchNorm(_BatchNorm):
    """Normalises (B, C, ...) over everything but C, across ranks while training.

    Running statistics stay fp32 when the module is cast to a half precision. Without a process
    group, or on one rank, it is ``nn.BatchNorm2d``.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: weight of the current batch in the running statistics; None averages all batches.
        affine: learn weight and bias.
        track_running_stats: keep running statistics for evaluation.
        process_group: ranks that share statistics; by default all.
        device: as in ``nn.BatchNorm2d``.
        dtype: the same.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype
        )
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Normalises ``input`` (B, C, ...); its dtype is kept. A rank may have B = 0."""
        self._check_input_dim(input)
        weight, bias = self._affine_in_fp32()
        use_batch = self.training or self.running_mean is None
        momentum = self._count_batch() if self.training and self.track_running_stats else 0.0
        if self.training and self._world_size() > 1:
            output, mean, var, count = _SyncedNorm.apply(
                input, weight, bias, self.eps, self.process_group
            )
            self._update_running_stats(mean, var, count, momentum)
            return output
        return F.batch_norm(
            input, self.running_mean, self.running_var, weight, bias, use_batch, momentum, self.eps
        )

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise ValueError(
                f"expected input of shape (B, {self.num_features}, ...), got {tuple(input.shape)}"
            )

    def _affine_in_fp32(self) -> tuple[Tensor | None, Tensor | None]:
        if not self.affine:
            return None, None
        return _at_least_fp32(self.weight), _at_least_fp32(self.bias)

    def _count_batch(self) -> float:
        """Notes one more batch; returns the momentum for it."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        if self.momentum is not None:
            return self.momentum
        return 1.0 / float(self.num_batches_tracked)

    def _world_size(self) -> int:
        if not (dist.is_available() and dist.is_initialized()):
            return 1
        return dist.get_world_size(self.process_group)

    @torch.no_grad()
    def _update_running_stats(
        self, mean: Tensor, var: Tensor, count: Tensor, momentum: float
    ) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        unbiased = var * (count / (count - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> SyncBatchNorm:
        before = (self.running_mean, self.running_var)
        super()._apply(fn, recurse)
        for name, old in zip(("running_mean", "running_var"), before, strict=True):
            new = self._buffers[name]
            if old is None or new is None or new.dtype not in (torch.float16, torch.bfloat16):
                continue
            # bf16 cannot hold an average with momentum 0.1: small updates would round to nothing.
            wide = new.float() if old.is_meta else old.to(new.device, torch.float32)
            self._buffers[name] = wide
        return self


class _SyncedNorm(torch.autograd.Function):
    """One gather of (mean, variance, count) forward, one reduction of two sums backward."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, group: Any
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, var, count = _global_stats(x, group)
        invstd = torch.rsqrt(var + eps)
        ctx.save_for_backward(x, weight, mean, invstd, count)
        ctx.group = group
        ctx.mark_non_differentiable(mean, var, count)
        scale = invstd if weight is None else invstd * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        output = torch.addcmul(_channels(shift, x), _at_least_fp32(x), _channels(scale, x))
        return output.to(x.dtype), mean, var, count

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, weight, mean, invstd, count = ctx.saved_tensors
        grad = _at_least_fp32(grads[0])
        normalised = (_at_least_fp32(x) - _channels(mean, x)) * _channels(invstd, x)
        axes = _all_but_channels(x)
        sum_grad = grad.sum(axes)
        sum_grad_normalised = (grad * normalised).sum(axes)
        grad_x = None
        if ctx.needs_input_grad[0]:
            # The statistics depend on every rank's input: the two sums are over all of them.
            sums = torch.stack([sum_grad, sum_grad_normalised])
            dist.all_reduce(sums, group=ctx.group)
            mean_grad, mean_grad_normalised = sums / count
            scale = invstd if weight is None else invstd * weight
            grad_x = grad - _channels(mean_grad, x)
            grad_x = grad_x - normalised * _channels(mean_grad_normalised, x)
            grad_x = (grad_x * _channels(scale, x)).to(x.dtype)
        # Parameter gradients stay local: the data-parallel wrapper averages them.
        grad_weight = sum_grad_normalised if ctx.needs_input_grad[1] else None
        grad_bias = sum_grad if ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias, None, None


def _global_stats(x: Tensor, group: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Returns mean (C,), biased variance (C,) and values per channel () over all ranks.

    Ranks exchange mean and variance rather than sums of squares, which would cancel.
    """
    wide, axes = _at_least_fp32(x), _all_but_channels(x)
    size = x.numel() // x.shape[1]
    if size:
        var, mean = torch.var_mean(wide, axes, correction=0)
    else:
        var = mean = wide.new_zeros(x.shape[1])
    local = torch.cat([mean, var, wide.new_full((1,), size)])
    parts = [torch.empty_like(local) for _ in range(dist.get_world_size(group))]
    dist.all_gather(parts, local, group=group)
    stacked = torch.stack(parts)
    means, variances = stacked[:, :-1].chunk(2, dim=1)
    counts = stacked[:, -1:]
    count = counts.sum()
    mean = (means * counts).sum(0) / count
    var = ((variances + (means - mean).square()) * counts).sum(0) / count
    return mean, var, count


def _at_least_fp32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _all_but_channels(x: Tensor) -> list[int]:
    return [axis for axis in range(x.ndim) if axis != 1]


def _channels(values: Tensor, like: Tensor) -> Tensor:
    """Shapes (C,) to broadcast against ``like`` (B, C, ...)."""
    return values.view(1, -1, *[1] * (like.ndim - 2))


def revert_sync_batchnorm(module: nn.Module) -> nn.Module:
    """Replaces every synchronised batch norm below ``module`` by a local one.

    Returns:
        ``module``, changed in place; or its replacement if it is such a norm itself.
    """
    reverted: nn.Module = module
    if isinstance(module, (SyncBatchNorm, nn.SyncBatchNorm)):
        reverted = _LocalBatchNorm(
            module.num_features,
            module.eps,
            module.momentum,
            module.affine,
            module.track_running_stats,
        )
        reverted._parameters = module._parameters
        reverted._buffers = module._buffers
        reverted.training = module.training
    for name, child in module.named_children():
        reverted.add_module(name, revert_sync_batchnorm(child))
    return reverted


class _LocalBatchNorm(_BatchNorm):
    """Batch norm of one rank for inputs of any rank, (B, C) to (B, C, D, H, W)."""

    def _check_input_dim(self, input: Tensor) -> None:
        return
