"""Models whose weights come from large files: built around the mapped file, in their final dtype.

Memory-mapped files are shared by all processes of a machine, and the tensors in them become the
parameters; nothing is initialised only to be overwritten. Small files are not worth the trouble:
below ``MIN_BYTES`` a model is built and filled as ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmcv.config import Config
from mmcv.runner.checkpoint import NO_PREFIX, _load_checkpoint, _revised, fill_model
from mmcv.runner.checkpoint_loader import find_weights
from mmcv.runner.deferred import build_deferred, cast_deferred, is_deferred
from mmcv.runner.external import read_backbone
from mmcv.runner.files import CheckpointError
from mmcv.runner.precision import apply_precision, configured_dtype

logger = logging.getLogger(__name__)

MIN_BYTES = 256 * 2**20

Build = Callable[[], nn.Module]


def build_and_load(
    build: Build, filename: str | Path, cfg: Config | Mapping[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    """Builds a model for testing, in the dtypes of the config, with the weights of a checkpoint.

    Args:
        build: the constructor.
        filename: as for ``load_checkpoint``.
        cfg: gives the dtypes; see ``apply_precision``.

    Returns:
        The model on the CPU, and the checkpoint.
    """
    checkpoint = _load_checkpoint(filename)
    model = build_around(build, checkpoint, cfg)
    apply_precision(model, cfg)
    fill_model(model, checkpoint, filename)
    return model, checkpoint


def build_and_initialize(build: Build, cfg: Config) -> nn.Module:
    """Builds a model for training and initialises it; large files are read once, and mapped.

    Args:
        build: the constructor.
        cfg: ``resume_from`` or ``load_from``, whose weights the model then has already if the file
            is large; or else ``model.pretrained`` or ``model.backbone.pretrained``.
    """
    path = cfg.get("resume_from") or cfg.get("load_from")
    if path and _size_of(str(path)) >= MIN_BYTES:
        return _build_continued(build, str(path), cfg)
    if _size_of(_pretrained(cfg)) >= MIN_BYTES:
        model = build_deferred(build, _filled_by_pretrained)
        cast_deferred(model, configured_dtype(cfg))
        model.init_weights()  # type: ignore[operator]
        if not is_deferred(model):
            return model
        logger.debug("a backbone has its own way to load weights: built as ever")
    model = build()
    model.init_weights()  # type: ignore[operator]
    return model


def build_around(build: Build, checkpoint: Any, cfg: Config | Mapping[str, Any]) -> nn.Module:
    """Builds a model; parameters that a large checkpoint has wait for ``fill_model``."""
    weights = _weights_of(checkpoint)
    if sum(value.numel() * value.element_size() for value in weights.values()) < MIN_BYTES:
        return build()
    model = build_deferred(build, lambda skeleton: _fitting(skeleton, weights))
    cast_deferred(model, configured_dtype(cfg))
    return model


def _build_continued(build: Build, path: str, cfg: Config) -> nn.Module:
    checkpoint = _load_checkpoint(path)
    model = build_around(build, checkpoint, cfg)
    names = _fitting(model, _weights_of(checkpoint))
    if any(name not in names for name, _ in model.named_parameters()):
        model.init_weights()  # type: ignore[operator]
    if cfg.get("resume_from") or is_deferred(model):
        fill_model(model, checkpoint, path)
    return model


def _weights_of(checkpoint: Any) -> dict[str, Tensor]:
    if not isinstance(checkpoint, Mapping):
        return {}
    weights = _revised(find_weights(checkpoint), NO_PREFIX)
    return {name: value for name, value in weights.items() if isinstance(value, Tensor)}


def _fitting(model: nn.Module, weights: Mapping[str, Tensor]) -> set[str]:
    named = model.named_parameters()
    return {n for n, p in named if n in weights and weights[n].shape == p.shape}


def _filled_by_pretrained(model: nn.Module) -> set[str]:
    """Returns the names that the vision transformers in a model load by themselves."""
    names: set[str] = set()
    for prefix, module in model.named_modules():
        path = getattr(module, "pretrained", None)
        if not (isinstance(path, str) and hasattr(module, "pos_embed")):
            continue
        try:
            weights = read_backbone(path)
        except (CheckpointError, OSError):
            continue  # reported by init_weights, with the config key
        start = f"{prefix}." if prefix else ""
        names |= {start + name for name, _ in module.named_parameters() if name in weights}
    return names


def _pretrained(cfg: Config) -> str:
    model = cfg.get("model") or {}
    found = model.get("pretrained") or (model.get("backbone") or {}).get("pretrained")
    return found if isinstance(found, str) else ""


def _size_of(name: str) -> int:
    """Returns the size of a file, or of all files in a folder; 0 for what is neither."""
    path = Path(name).expanduser()
    if not name or not path.exists():
        return 0
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)
