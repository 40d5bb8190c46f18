"""Convolutions by name: ``conv_cfg=dict(type='Conv2d')``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.cnn.wrappers import Conv2d, ConvTranspose2d, ConvTranspose3d
from mmcv.registry import MODELS, ConfigError

for _conv in (nn.Conv1d, nn.Conv2d, nn.Conv3d, ConvTranspose2d, ConvTranspose3d):
    MODELS.register_module(module=_conv)
MODELS.register_module("Conv", module=Conv2d)
MODELS.register_module("deconv", module=ConvTranspose2d)
MODELS.register_module("deconv3d", module=ConvTranspose3d)


def build_conv_layer(cfg: Mapping[str, Any] | None, *args: Any, **kwargs: Any) -> Any:
    """Builds a convolution.

    Args:
        cfg: ``dict(type=…, …)``; None means ``Conv2d``.
        args: in_channels, out_channels, kernel_size, …
        kwargs: the same by name; keys of ``cfg`` come on top.
    """
    kind, options = split_type(cfg if cfg is not None else {"type": "Conv2d"})
    return MODELS.get(kind)(*args, **kwargs, **options)


def split_type(cfg: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the type named by a layer's config, and its other keys.

    Raises:
        TypeError: ``cfg`` is not a dict.
        ConfigError: no type is named.
    """
    if not isinstance(cfg, Mapping):
        raise TypeError(f"cfg must be a dict, but got {type(cfg)}")
    if "type" not in cfg:
        raise ConfigError(f'the cfg dict must contain the key "type", but got {dict(cfg)}')
    options = dict(cfg)
    return options.pop("type"), options
