"""From a config's ``optimizer`` section to an optimizer.

``optimizer=dict(type='AdamW', lr=4e-5, constructor='CustomLayerDecayOptimizerConstructor',
paramwise_cfg=dict(...))``: ``constructor`` says how parameters are grouped, ``paramwise_cfg`` is
its argument, the rest belongs to the optimizer. Every class of ``torch.optim`` is known by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from mmcv.registry import (
    OPTIMIZER_BUILDERS,
    OPTIMIZERS,
    ConfigError,
    check_arguments,
    config_path,
)
from mmcv.runner.dist_utils import is_distributed
from mmcv.runner.layer_decay import (
    CustomLayerDecayOptimizerConstructor,
    LayerDecayOptimizerConstructor,
    LearningRateDecayOptimizerConstructor,
)
from mmcv.runner.optimizer_constructor import DefaultOptimizerConstructor

__all__ = [
    "OPTIMIZERS",
    "OPTIMIZER_BUILDERS",
    "TORCH_OPTIMIZERS",
    "CustomLayerDecayOptimizerConstructor",
    "DefaultOptimizerConstructor",
    "LayerDecayOptimizerConstructor",
    "LearningRateDecayOptimizerConstructor",
    "build_optimizer",
    "build_optimizer_constructor",
    "register_torch_optimizers",
]


def build_optimizer(model: nn.Module, cfg: Mapping[str, Any]) -> Any:
    """Builds the optimizer of a model.

    Args:
        model: bare, or in a wrapper with ``.module``.
        cfg: the ``optimizer`` section. It is not changed.

    Raises:
        ConfigError: a key that optimizer or constructor does not take, or nothing left to train.
    """
    options = dict(cfg)
    constructor_cfg = {
        "type": options.pop("constructor", "DefaultOptimizerConstructor"),
        "paramwise_cfg": options.pop("paramwise_cfg", None),
        "optimizer_cfg": options,
    }
    with config_path("optimizer", constructor_cfg):
        constructor = build_optimizer_constructor(constructor_cfg)
    _check_trainable(model)
    with config_path("optimizer", options):
        return constructor(model)


def build_optimizer_constructor(cfg: Mapping[str, Any]) -> Any:
    """Builds a constructor from ``dict(type=..., optimizer_cfg=..., paramwise_cfg=...)``."""
    return OPTIMIZER_BUILDERS.build(cfg)


def register_torch_optimizers() -> list[str]:
    """Registers the classes of ``torch.optim`` by their names, which are returned."""
    names = []
    for name, cls in vars(torch.optim).items():
        is_optimizer = inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer)
        if is_optimizer and cls is not torch.optim.Optimizer:
            OPTIMIZERS.register_module(module=cls)
            names.append(name)
    return names


TORCH_OPTIMIZERS = register_torch_optimizers()


@OPTIMIZERS.register_module(name="ZeroAdamW")
def build_zero_adamw(params: Any, **kwargs: Any) -> Any:
    """Builds an AdamW whose state is spread over the ranks (ZeRO stage 1, without DeepSpeed).

    Args:
        params: parameters or groups of them.
        **kwargs: arguments of AdamW.
    """
    check_arguments(torch.optim.AdamW, {"params": params, **kwargs})
    if not is_distributed():
        raise ConfigError("optimizer.type='ZeroAdamW' needs a distributed run (--launcher pytorch)")
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer(
        list(params),
        optimizer_class=torch.optim.AdamW,
        parameters_as_bucket_view=True,
        **kwargs,
    )


def _check_trainable(model: nn.Module) -> None:
    if not any(param.requires_grad for param in model.parameters()):
        num_params = sum(1 for _ in model.parameters())
        raise ConfigError(
            f"optimizer: none of the model's {num_params} parameters is trainable, all are frozen"
            " (freeze_vit, frozen_stages ... of the model): there is nothing to train"
        )
