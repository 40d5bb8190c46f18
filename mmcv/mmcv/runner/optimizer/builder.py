"""1.x import path of ``mmcv.runner.param_groups``."""

from mmcv.runner.param_groups import (
    OPTIMIZER_BUILDERS,
    OPTIMIZERS,
    TORCH_OPTIMIZERS,
    build_optimizer,
    build_optimizer_constructor,
    register_torch_optimizers,
)

__all__ = [
    "OPTIMIZERS",
    "OPTIMIZER_BUILDERS",
    "TORCH_OPTIMIZERS",
    "build_optimizer",
    "build_optimizer_constructor",
    "register_torch_optimizers",
]
