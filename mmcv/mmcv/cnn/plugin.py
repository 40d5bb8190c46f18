"""Plugin layers by name: blocks that a config inserts into a backbone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.cnn.conv import split_type
from mmcv.registry import MODELS


def infer_abbr(class_type: type) -> str:
    """Returns ``_abbr_`` of the class, or its name in snake case: FancyBlock -> fancy_block."""
    if not inspect.isclass(class_type):
        raise TypeError(f"class_type must be a type, but got {type(class_type)}")
    if hasattr(class_type, "_abbr_"):
        return class_type._abbr_  # type: ignore[attr-defined]
    word = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", class_type.__name__)
    return re.sub(r"([a-z\d])([A-Z])", r"\1_\2", word).replace("-", "_").lower()


def build_plugin_layer(
    cfg: Mapping[str, Any], postfix: int | str = "", **kwargs: Any
) -> tuple[str, nn.Module]:
    """Builds a plugin.

    Args:
        cfg: ``dict(type=…, …)``.
        postfix: appended to the name.
        kwargs: further arguments, such as ``in_channels``.

    Returns:
        The name under which to register it, such as "context_block1", and the layer.
    """
    kind, options = split_type(cfg)
    if not isinstance(postfix, (int, str)):
        raise TypeError(f"postfix must be an int or a str, but got {type(postfix)}")
    plugin = MODELS.get(kind)
    return infer_abbr(plugin) + str(postfix), plugin(**kwargs, **options)  # type: ignore[arg-type]
