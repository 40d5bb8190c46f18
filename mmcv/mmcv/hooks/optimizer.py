"""The hook that updates the model after every forward pass."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError, did_you_mean
from mmcv.runner.fp16_utils import wrap_fp16_model
from mmcv.runner.strategy import SingleDevice

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)


@HOOKS.register_module()
class OptimizerHook(Hook):
    """Computes gradients, clips them and steps.

    Args:
        grad_clip: ``dict(max_norm=..., norm_type=2)``; None leaves gradients as they are. The norm
            before clipping is logged as ``grad_norm``.
        detect_anomalous_params: log the parameters that the loss does not depend on.
        cumulative_iters: add up gradients over so many iterations before each step; the losses are
            divided by that number. What remains at the end of the run is a smaller group.
    """

    def __init__(
        self,
        grad_clip: Mapping[str, Any] | None = None,
        detect_anomalous_params: bool = False,
        cumulative_iters: int = 1,
    ) -> None:
        if not isinstance(cumulative_iters, int) or cumulative_iters < 1:
            raise ConfigError(f"cumulative_iters must be an int > 0, but got {cumulative_iters!r}")
        for key in grad_clip or {}:
            if key not in ("max_norm", "norm_type"):
                hint = did_you_mean(key, ("max_norm", "norm_type"))
                raise ConfigError(f"grad_clip has no key {key!r}{hint}")
        self.grad_clip = grad_clip
        self.detect_anomalous_params = detect_anomalous_params
        self.cumulative_iters = cumulative_iters
        self._divisor = 1

    def before_train_iter(self, runner: BaseRunner) -> None:
        """Tells the strategy, before the forward pass, whether this iteration ends with a step."""
        n, total = self.cumulative_iters, runner.max_iters
        if n == 1:
            return
        assert total is not None
        runner.strategy.boundary = self.is_last_iter(runner) or self.every_n_iters(runner, n)
        in_remainder = runner.iter >= total // n * n  # the last group may be smaller
        self._divisor = total % n if in_remainder else n

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Updates the model from ``runner.outputs['loss']``."""
        loss = runner.outputs["loss"]
        if self.detect_anomalous_params:
            self.detect_anomalous_parameters(loss, runner)
        options = dict(self.grad_clip or {})
        norm = runner.strategy.update(loss, divide_by=self._divisor, **options)
        was_stepped = runner.supervisor.guard.after_update(runner, norm)
        is_computed_anyway = bool(self.grad_clip) or not isinstance(runner.strategy, SingleDevice)
        if norm is not None and was_stepped and is_computed_anyway:
            num_samples = runner.outputs.get("num_samples", 1)
            runner.log_buffer.update({"grad_norm": norm}, num_samples)

    def detect_anomalous_parameters(self, loss: Tensor, runner: BaseRunner) -> None:
        """Logs the parameters that are not in the graph of the loss."""
        reached = _parameters_in_graph(loss)
        for name, param in runner.strategy.module.named_parameters():
            if param.requires_grad and param not in reached:
                log = runner.logger or logger
                log.error("%s with shape %s is not in the computational graph", name, param.size())


def _parameters_in_graph(loss: Tensor) -> set[nn.Parameter]:
    reached: set[nn.Parameter] = set()
    seen: set[Any] = set()
    stack: list[Any] = [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):  # the node that accumulates a parameter's gradient
            reached.add(node.variable)
        stack += [parent for parent, _ in node.next_functions]
    return reached


@HOOKS.register_module()
class GradientCumulativeOptimizerHook(OptimizerHook):
    """1.x's name for an OptimizerHook with ``cumulative_iters``."""

    def __init__(self, cumulative_iters: int = 1, **kwargs: Any) -> None:
        super().__init__(cumulative_iters=cumulative_iters, **kwargs)


@HOOKS.register_module()
class Fp16OptimizerHook(OptimizerHook):
    """Trains in mixed precision: fp16 where it is safe, with scaled losses.

    Args:
        grad_clip: see OptimizerHook; the norm is that of the unscaled gradients.
        coalesce: accepted; DistributedDataParallel reduces gradients in buckets.
        bucket_size_mb: accepted.
        loss_scale: a number, "dynamic", or a dict with arguments of ``torch.amp.GradScaler``.
        distributed: accepted.
        kwargs: of OptimizerHook.
    """

    def __init__(
        self,
        grad_clip: Mapping[str, Any] | None = None,
        coalesce: bool = True,
        bucket_size_mb: int = -1,
        loss_scale: float | str | Mapping[str, Any] = 512.0,
        distributed: bool = True,
        **kwargs: Any,
    ) -> None:
        if not (loss_scale == "dynamic" or isinstance(loss_scale, (int, float, Mapping))):
            raise ConfigError(
                f"loss_scale must be a number, 'dynamic' or a dict, but got {loss_scale!r}"
            )
        super().__init__(grad_clip, **kwargs)
        self.loss_scale = loss_scale

    def before_run(self, runner: BaseRunner) -> None:
        """Switches the strategy to mixed precision."""
        if not isinstance(runner.strategy, SingleDevice):
            raise ConfigError("fp16 has no effect with deepspeed=True: its json sets the precision")
        wrap_fp16_model(runner.strategy.module)  # for plug-ins with @force_fp32 methods
        runner.strategy.use_fp16(self.loss_scale)


@HOOKS.register_module()
class GradientCumulativeFp16OptimizerHook(Fp16OptimizerHook):
    """1.x's name for a Fp16OptimizerHook with ``cumulative_iters``."""
