"""Builds detectors and their parts from configs, under the 1.x names that plug-ins use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmcv.registry import config_path
from mmdet.registry import MODELS, ModelConfigError

BACKBONES = NECKS = HEADS = LOSSES = DETECTORS = ROI_EXTRACTORS = SHARED_HEADS = MODELS


def build(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """Builds any part of a model; a list of sections gives an ``nn.Sequential``."""
    if isinstance(cfg, (list, tuple)):
        return nn.Sequential(*[MODELS.build(part, default_args=default_args) for part in cfg])
    return MODELS.build(cfg, default_args=default_args)


def build_backbone(cfg: Any) -> nn.Module:
    """Builds a backbone."""
    return build(cfg)


def build_neck(cfg: Any) -> nn.Module:
    """Builds a neck; a list of sections is run one after the other."""
    return build(cfg)


def build_roi_extractor(cfg: Any) -> nn.Module:
    """Builds what cuts the features of a region out of the maps."""
    return build(cfg)


def build_shared_head(cfg: Any) -> nn.Module:
    """Builds the layers that the box and the mask head share."""
    return build(cfg)


def build_head(cfg: Any) -> nn.Module:
    """Builds a dense head, a RoI head or one of its parts."""
    return build(cfg)


def build_loss(cfg: Any) -> nn.Module:
    """Builds a loss."""
    return build(cfg)


def build_detector(
    cfg: Mapping[str, Any],
    train_cfg: Mapping[str, Any] | None = None,
    test_cfg: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Builds the detector of the config section ``model``.

    Args:
        cfg: the section.
        train_cfg: for configs that keep it beside ``model`` instead of in it.
        test_cfg: likewise.

    Raises:
        ConfigError: an unknown type or key; the message starts with its path below ``model``.
        ModelConfigError: ``train_cfg`` or ``test_cfg`` is given in both places.
    """
    outer = {"train_cfg": train_cfg, "test_cfg": test_cfg}
    twice = [name for name in outer if outer[name] is not None and cfg.get(name) is not None]
    if twice:
        raise ModelConfigError(
            f"{twice[0]} specified in both outer field and model field: keep one of them"
        )
    with config_path("model", cfg):
        return build(cfg, outer)
