"""1.x's way to build models: a config, or a list of configs that becomes a Sequential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcv.model import Sequential
from mmcv.registry import MODELS, Registry, build_from_cfg

__all__ = ["MODELS", "build_model_from_cfg"]


def build_model_from_cfg(
    cfg: Any, registry: Registry, default_args: Mapping[str, Any] | None = None
) -> Any:
    """Builds a module; a list of configs gives a ``Sequential`` of their modules."""
    if isinstance(cfg, list):
        return Sequential(*[build_from_cfg(item, registry, default_args) for item in cfg])
    return build_from_cfg(cfg, registry, default_args)
