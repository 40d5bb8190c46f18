"""Builds models from configs, under the 1.x names that plug-ins register with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.registry import config_path
from mmseg.registry import MODELS, ModelConfigError

BACKBONES = NECKS = HEADS = LOSSES = SEGMENTORS = ATTENTION = PIXEL_SAMPLERS = MODELS


def build_backbone(cfg: Mapping[str, Any]) -> nn.Module:
    """Builds a backbone."""
    return BACKBONES.build(cfg)


def build_neck(cfg: Mapping[str, Any]) -> nn.Module:
    """Builds a neck."""
    return NECKS.build(cfg)


def build_head(cfg: Mapping[str, Any]) -> nn.Module:
    """Builds a decode head or an auxiliary head."""
    return HEADS.build(cfg)


def build_loss(cfg: Mapping[str, Any]) -> nn.Module:
    """Builds a loss."""
    return LOSSES.build(cfg)


def build_segmentor(
    cfg: Mapping[str, Any],
    train_cfg: Mapping[str, Any] | None = None,
    test_cfg: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Builds the segmentor that the config section ``model`` describes.

    Args:
        cfg: the section.
        train_cfg: for configs that keep it beside ``model`` instead of in it.
        test_cfg: likewise.

    Raises:
        ConfigError: an unknown type or key; the message starts with its path below ``model``.
    """
    for name, outer in (("train_cfg", train_cfg), ("test_cfg", test_cfg)):
        if outer is not None and cfg.get(name) is not None:
            raise ModelConfigError(f"{name} is given both in the model section and beside it")
    with config_path("model", cfg):
        return SEGMENTORS.build(cfg, default_args={"train_cfg": train_cfg, "test_cfg": test_cfg})
