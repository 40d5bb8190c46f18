"""Normalisation layers by name: ``norm_cfg=dict(type='SyncBN', requires_grad=True)``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from mmcv.cnn.conv import split_type
from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.registry import MODELS, ConfigError

MODELS.register_module("BN", module=nn.BatchNorm2d)
MODELS.register_module("BN1d", module=nn.BatchNorm1d)
MODELS.register_module("BN2d", module=nn.BatchNorm2d)
MODELS.register_module("BN3d", module=nn.BatchNorm3d)
MODELS.register_module(["SyncBN", "MMSyncBN"], module=SyncBatchNorm)
MODELS.register_module("GN", module=nn.GroupNorm)
MODELS.register_module("LN", module=nn.LayerNorm)
MODELS.register_module("IN", module=nn.InstanceNorm2d)
MODELS.register_module("IN1d", module=nn.InstanceNorm1d)
MODELS.register_module("IN2d", module=nn.InstanceNorm2d)
MODELS.register_module("IN3d", module=nn.InstanceNorm3d)

# Base class, or else a word in the class name -> the abbreviation that state-dict keys begin with.
# InstanceNorm is a subclass of BatchNorm in torch: it has to come first.
_ABBREVIATIONS = (
    (_InstanceNorm, "instance", "in"),
    (_BatchNorm, "batch", "bn"),
    (nn.GroupNorm, "group", "gn"),
    (nn.LayerNorm, "layer", "ln"),
)


def infer_abbr(class_type: type) -> str:
    """Returns the name under which modules hold a norm of this class, such as "bn".

    A class may name its own in ``_abbr_``; "norm_layer" is the last resort.
    """
    if not inspect.isclass(class_type):
        raise TypeError(f"class_type must be a type, but got {type(class_type)}")
    if hasattr(class_type, "_abbr_"):
        return class_type._abbr_  # type: ignore[attr-defined]
    for base, _, abbreviation in _ABBREVIATIONS:
        if issubclass(class_type, base):
            return abbreviation
    name = class_type.__name__.lower()
    for _, word, abbreviation in (_ABBREVIATIONS[1], *_ABBREVIATIONS[2:], _ABBREVIATIONS[0]):
        if word in name:
            return abbreviation
    return "norm_layer"


def build_norm_layer(
    cfg: Mapping[str, Any], num_features: int, postfix: int | str = ""
) -> tuple[str, nn.Module]:
    """Builds a norm.

    Args:
        cfg: ``dict(type=…, requires_grad=True, eps=1e-5, …)``; GN needs ``num_groups``.
        num_features: channels.
        postfix: appended to the name.

    Returns:
        The name under which to register it, such as "bn1", and the layer.
    """
    kind, options = split_type(cfg)
    if not isinstance(postfix, (int, str)):
        raise TypeError(f"postfix must be an int or a str, but got {type(postfix)}")
    norm = MODELS.get(kind)
    requires_grad = options.pop("requires_grad", True)
    options.setdefault("eps", 1e-5)
    if kind == "GN":
        if "num_groups" not in options:
            raise ConfigError(f"norm_cfg: type 'GN' needs num_groups, but got {dict(cfg)}")
        layer = norm(num_channels=num_features, **options)
    else:
        layer = norm(num_features, **options)
    for param in layer.parameters():
        param.requires_grad = requires_grad
    return infer_abbr(norm) + str(postfix), layer  # type: ignore[arg-type]


def is_norm(layer: nn.Module, exclude: type | tuple[type, ...] | None = None) -> bool:
    """Returns whether ``layer`` is a batch, instance, group or layer norm not in ``exclude``."""
    excluded = exclude if isinstance(exclude, tuple) else (exclude,) if exclude else ()
    if not all(isinstance(kind, type) for kind in excluded):
        raise TypeError(f"exclude must be a type or a tuple of types, but got {exclude!r}")
    return not isinstance(layer, excluded) and isinstance(
        layer, tuple(base for base, _, _ in _ABBREVIATIONS)
    )
