"""``deepspeed_config`` of a training config: read, completed and checked before anything is built.

A path to a json file, a dict, or the name of a preset becomes the dict that the engine is given.
Batch size, clipping and accumulation have one source, the training config; a json that says
something else is an error.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch.distributed as dist

from mmcv.config import resolve_path
from mmcv.registry import ConfigError, did_you_mean
from mmcv.runner.zero.checks import (
    TrainingConfig,
    check_offload,
    check_precision,
    check_schedule,
    check_unused_parameters,
    engine_dtype,
    zero_stage,
)
from mmcv.runner.zero.presets import PRESET_NAME, PRESET_NAMES, make_preset

__all__ = [
    "TrainingConfig",
    "engine_dtype",
    "load_deepspeed_config",
    "read_deepspeed_config",
    "zero_stage",
]

logger = logging.getLogger(__name__)


def load_deepspeed_config(
    value: Any, cfg: TrainingConfig, *, world_size: int | None = None
) -> dict[str, Any]:
    """Returns the engine settings that ``deepspeed_config=value`` stands for.

    Args:
        value: path of a json file (see ``resolve_path``), a dict with its content, or a preset such
            as ``'zero2_bf16'``.
        cfg: the training config; ``data`` gives the batch size, ``optimizer_config`` clipping and
            accumulation.
        world_size: number of processes; by default that of this run.

    Raises:
        ConfigError: a file that is missing or no json, or settings that contradict the config or
            that this machine cannot run. The message names the file or key and the line to change.
    """
    source, settings = _read(value, cfg)
    if world_size is None:
        world_size = _world_size()
    check_precision(settings, cfg, source)
    check_schedule(settings, source)
    check_offload(settings, source)
    check_unused_parameters(settings, cfg, source)
    settings["gradient_clipping"] = _clipping(settings, cfg, source)
    settings.update(_batch_sizes(settings, cfg, world_size, source))
    if settings.pop("optimizer", None) is not None:
        logger.info("%s: its optimizer section is ignored, cfg.optimizer is used", source)
    settings["steps_per_print"] = 10**9  # The text logger reports progress.
    # The config's optimizer is a torch optimizer, with offload too; both keys only forbid that.
    settings["zero_force_ds_cpu_optimizer"] = False
    settings["zero_allow_untested_optimizer"] = True
    return settings


def read_deepspeed_config(value: Any, cfg: TrainingConfig) -> dict[str, Any]:
    """Returns what ``deepspeed_config=value`` says, unchecked: for its precision, in evaluation.

    Args:
        value: as for ``load_deepspeed_config``.
        cfg: the config, which knows where it was read from.
    """
    return _read(value, cfg)[1]


def _read(value: Any, cfg: TrainingConfig) -> tuple[str, dict[str, Any]]:
    """Returns a name for messages and the settings, which the caller may change."""
    if isinstance(value, Mapping):
        return "deepspeed_config", json.loads(json.dumps(value))
    if not isinstance(value, (str, os.PathLike)):
        raise ConfigError(
            f"deepspeed_config: {value!r} is neither a path, nor a dict, nor a preset name"
        )
    if PRESET_NAME.fullmatch(str(value)):
        return f"deepspeed_config {value!r}", make_preset(str(value))
    path = _find(str(value), cfg)
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"deepspeed_config: {path} is not valid json: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"deepspeed_config: {path} holds a {type(settings).__name__}, not a dict")
    return str(value), settings


def _find(name: str, cfg: Any) -> Path:
    try:
        return resolve_path(name, cfg, "deepspeed_config")
    except ConfigError as error:
        folders = [Path.cwd(), *(Path(cfg.filename).resolve().parents if cfg.filename else ())]
        near = [p.name for folder in folders for p in (folder / name).parent.glob("*.json")]
        hint = did_you_mean(Path(name).name, near) or did_you_mean(name, PRESET_NAMES)
        presets = f"presets: {', '.join(PRESET_NAMES)}"
        raise ConfigError(f"{error}{hint} ({presets})") from None


def _clipping(settings: dict[str, Any], cfg: TrainingConfig, source: str) -> float:
    """Returns max_norm, 0.0 for none: told nothing, DeepSpeed 0.19.8 would clip to 1.0."""
    grad_clip = _optimizer_config(cfg).get("grad_clip")
    stated = _given(settings, "gradient_clipping")
    if not grad_clip:
        return float(stated or 0.0)
    if float(grad_clip.get("norm_type", 2)) != 2:
        raise ConfigError(
            f"optimizer_config.grad_clip.norm_type is {grad_clip['norm_type']}; "
            "with deepspeed=True only 2 is possible"
        )
    if "max_norm" not in grad_clip:
        raise ConfigError(
            f"optimizer_config.grad_clip needs the key 'max_norm', got {dict(grad_clip)}"
        )
    max_norm = float(grad_clip["max_norm"])
    if stated is not None and float(stated) != max_norm:
        raise ConfigError(
            f"optimizer_config.grad_clip.max_norm is {max_norm}, but {source} says "
            f'"gradient_clipping": {stated}; make them equal or remove one'
        )
    return max_norm


def _batch_sizes(
    settings: dict[str, Any], cfg: TrainingConfig, world_size: int, source: str
) -> dict[str, int]:
    """Returns the three batch keys, all from the config; a json that differs is an error."""
    micro = _samples_per_gpu(cfg)
    steps = int(_optimizer_config(cfg).get("cumulative_iters", 1))
    total = micro * world_size * steps
    stated_steps = _given(settings, "gradient_accumulation_steps")
    if stated_steps not in (None, steps):
        raise ConfigError(
            f'{source}: "gradient_accumulation_steps": {stated_steps}, but '
            f"optimizer_config.cumulative_iters is {steps}; set "
            f"optimizer_config.cumulative_iters={stated_steps} or remove the key from the json"
        )
    stated_micro = _given(settings, "train_micro_batch_size_per_gpu")
    if stated_micro not in (None, micro):
        raise ConfigError(
            f'{source}: "train_micro_batch_size_per_gpu": {stated_micro}, but '
            f"data.samples_per_gpu is {micro}; set data.samples_per_gpu={stated_micro} "
            "or remove the key from the json"
        )
    stated = _given(settings, "train_batch_size")
    if stated not in (None, total):
        raise ConfigError(
            f'{source}: "train_batch_size": {stated}, but data.samples_per_gpu ({micro}) x '
            f"processes ({world_size}) x optimizer_config.cumulative_iters ({steps}) is {total}; "
            f"{_ways_to(int(stated), micro, world_size, steps)}"
            f'write "train_batch_size": {total} there, or leave the key out: then it is filled in'
        )
    return {
        "train_batch_size": total,
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": steps,
    }


def _ways_to(batch: int, micro: int, world_size: int, steps: int) -> str:
    """Names the settings that give ``batch`` when only one of the three factors is changed."""
    factors = (
        ("data.samples_per_gpu={}", world_size * steps),
        ("optimizer_config.cumulative_iters={}", micro * world_size),
        ("start {} processes", micro * steps),
    )
    ways = [text.format(batch // rest) for text, rest in factors if batch % rest == 0]
    return f"to train with {batch}: {' or '.join(ways)}; otherwise " if ways else ""


def _samples_per_gpu(cfg: TrainingConfig) -> int:
    data = cfg.get("data") or {}
    loader = data.get("train_dataloader") or {}
    found = loader.get("samples_per_gpu", data.get("samples_per_gpu"))
    if found is None:
        raise ConfigError("data.samples_per_gpu is missing: the batch size of one process")
    return int(found)


def _optimizer_config(cfg: TrainingConfig) -> Mapping[str, Any]:
    return cfg.get("optimizer_config") or {}


def _given(settings: Mapping[str, Any], key: str) -> Any:
    """Returns the value of a key, or None if it is absent or left open."""
    value = settings.get(key)
    return None if value == "auto" else value


def _world_size() -> int:
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    return int(os.environ.get("WORLD_SIZE", "1"))
