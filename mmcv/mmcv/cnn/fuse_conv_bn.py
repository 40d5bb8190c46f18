"""Folds batch norms into the convolutions before them, for inference."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmcv.cnn.conv_module import ConvModule


def fuse_conv_bn(module: nn.Module) -> nn.Module:
    """Folds every batch norm that directly follows a convolution among a module's children.

    Correct where the order of definition is the order of computation, as in ResNet's blocks.

    Returns:
        ``module``, changed in place: the norms become ``nn.Identity``.
    """
    order: Any = module.order if isinstance(module, ConvModule) else None
    if order is not None and order[:2] != ("conv", "norm"):
        return module
    previous = ""
    for name, child in module.named_children():
        conv = module._modules.get(previous)
        if isinstance(child, _BatchNorm) and isinstance(conv, nn.Conv2d):
            _fold(conv, child)
            module._modules[name] = nn.Identity()
        else:
            fuse_conv_bn(child)
        previous = name
    return module


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: _BatchNorm) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    factor = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        factor = factor * norm.weight
    bias = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
    bias = bias * factor
    if norm.bias is not None:
        bias = bias + norm.bias
    conv.weight.copy_(conv.weight * factor.view(-1, 1, 1, 1))
    conv.bias = nn.Parameter(bias.to(conv.weight.dtype))
