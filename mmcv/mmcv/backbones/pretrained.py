"""Pretrained weights of vision transformers, resampled to another patch size or token grid.

Patch size and grid of the checkpoint are read from its shapes, and interpolation runs in fp32
whatever the dtype of the weights.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.registry import ConfigError
from mmcv.runner.deferred import assign_deferred
from mmcv.runner.external import note_origin, read_backbone
from mmcv.weights import check_depth, depth_of

logger = logging.getLogger(__name__)

NAMES_SHOWN = 12


class PretrainedReport(NamedTuple):
    """What became of the tensors of a checkpoint, by name."""

    matched: list[str]
    resized: list[str]
    missing: list[str]
    unexpected: list[str]


def load_pretrained_vit(model: nn.Module, path: str | Path, key: str) -> PretrainedReport:
    """Loads the weights of a ViT into ``model`` and logs what fitted.

    ``pos_embed`` and ``patch_embed.proj.weight`` are resampled to the model's grid and patch size.

    Args:
        model: has ``pos_embed`` (1, 1 + G², C), the class position first, and ``patch_embed``.
        path: checkpoint: the weights, or a dict that has them under ``module``, ``state_dict`` or
            ``model``; a whole segmentor or detector gives its backbone.
        key: config key that holds the path, for messages.

    Raises:
        ConfigError: the file is missing, nothing in it fits, or a weight has another shape.
    """
    weights = read_weights(path, key)
    own = model.state_dict()
    check_depth(weights, depth_of(own), path, key)
    fitted: dict[str, Tensor] = {}
    resized: list[str] = []
    for name in own.keys() & weights.keys():
        if name.endswith("relative_position_index"):  # follows from the model's window
            continue
        old, new = weights[name], own[name]
        if old.shape != new.shape:
            fitted[name] = _resample(name, old, new.shape, path, key)
            resized.append(f"{name} {tuple(old.shape)} -> {tuple(new.shape)}")
        else:
            fitted[name] = old
    report = PretrainedReport(
        matched=[name for name in own if name in fitted],
        resized=sorted(resized),
        missing=[name for name in own if name not in fitted],
        unexpected=[name for name in weights if name not in own],
    )
    if not fitted:
        raise ConfigError(
            f"{key}: no tensor in {path} has a name of this model; the file has"
            f" {_shorten(report.unexpected)}, the model {_shorten(report.missing)}"
        )
    model.load_state_dict(assign_deferred(model, fitted), strict=False)
    params = dict(model.named_parameters())
    for name in params.keys() & fitted.keys():
        if fitted[name] is weights[name]:  # not resampled
            note_origin(params[name], path, name)
    _log(report, path)
    return report


def read_weights(path: str | Path, key: str) -> dict[str, Tensor]:
    """Reads a checkpoint and returns the weights of its backbone, without key prefixes."""
    is_file = "://" not in str(path)
    if is_file and not Path(path).expanduser().exists():
        raise ConfigError(
            f"{key}: no file {str(path)!r} (working directory {Path.cwd()}). Download the weights"
            f" to that place, give another path with --cfg-options {key}=PATH, or train from"
            f" scratch with {key}=None"
        )
    return read_backbone(path)


def _resample(name: str, old: Tensor, shape: torch.Size, path: str | Path, key: str) -> Tensor:
    if name == "pos_embed" and old.ndim == 3 and old.shape[2] == shape[2]:
        side = math.isqrt(old.shape[1] - 1)
        target = math.isqrt(shape[1] - 1)
        if side * side == old.shape[1] - 1 and target * target == shape[1] - 1:
            return resize_pos_embed(old, (side, side), (target, target))
    elif name == "patch_embed.proj.weight" and old.ndim == 4 and old.shape[:2] == shape[:2]:
        return resize_patch_embed(old, (shape[2], shape[3]))
    elif name.endswith("relative_position_bias_table") and old.shape[1] == shape[1]:
        return resize_bias_table(old, shape[0])
    raise ConfigError(
        f"{key}: {name} has shape {tuple(old.shape)} in {path}, but the model needs"
        f" {tuple(shape)}: these are the weights of another model"
    )


def resize_pos_embed(pos_embed: Tensor, grid: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """Interpolates position embeddings to another grid (bicubic, in fp32).

    Args:
        pos_embed: (1, k + H·W, C); the first k positions, of class tokens, are kept.
        grid: (H, W).
        target: (H', W').

    Returns:
        (1, k + H'·W', C) in the dtype given.
    """
    if grid == target:
        return pos_embed
    extra = pos_embed.shape[1] - grid[0] * grid[1]
    image = pos_embed[:, extra:].float().unflatten(1, grid).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=target, mode="bicubic", align_corners=False)
    tokens = image.flatten(2).transpose(1, 2).to(pos_embed.dtype)
    return torch.cat([pos_embed[:, :extra], tokens], dim=1)


def resize_patch_embed(weight: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolates patch kernels (C, 3, p, p) to another size (bicubic, in fp32)."""
    if tuple(weight.shape[2:]) == tuple(size):
        return weight
    resized = F.interpolate(weight.float(), size=size, mode="bicubic", align_corners=False)
    return resized.to(weight.dtype)


def resize_bias_table(table: Tensor, distances: int) -> Tensor:
    """Interpolates biases per distance ((2w - 1)², heads) to so many distances (bicubic, in fp32).

    Checkpoints with a class token have three more rows, for it; they are left out.
    """
    side, target = math.isqrt(len(table)), math.isqrt(distances)
    image = table[: side * side].float().T.unflatten(1, (side, side))[None]
    if side != target:
        image = F.interpolate(image, size=(target, target), mode="bicubic", align_corners=False)
    return image[0].flatten(1).T.to(table.dtype)


def _log(report: PretrainedReport, path: str | Path) -> None:
    logger.info("%s: %d tensors loaded", path, len(report.matched))
    for name in report.resized:
        logger.info("%s: resampled %s", path, name)
    if report.missing:
        logger.info("%s lacks, left as initialised: %s", path, _shorten(report.missing))
    if report.unexpected:
        logger.info("%s has, not used: %s", path, _shorten(report.unexpected))


def _shorten(names: list[str] | Mapping[str, Tensor]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
