"""Wrappers around a model: what is_module_wrapper recognises."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from mmcv.registry import Registry

MODULE_WRAPPERS = Registry("module wrapper", scope="mmcv")
MODULE_WRAPPERS.register_module(module=DataParallel)
MODULE_WRAPPERS.register_module(module=DistributedDataParallel)


def is_module_wrapper(module: nn.Module) -> bool:
    """Returns whether ``module.module`` is the model: its class is in MODULE_WRAPPERS or below."""
    return isinstance(module, tuple(_classes(MODULE_WRAPPERS)))


def _classes(registry: Registry) -> list[type]:
    classes = [entry for entry in registry.module_dict.values() if isinstance(entry, type)]
    for child in registry.children.values():
        classes += _classes(child)
    return classes
