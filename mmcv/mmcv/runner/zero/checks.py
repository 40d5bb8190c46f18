"""What engine settings say, and what of it cannot work here, refused before anything is built."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import torch

from mmcv.config import Config
from mmcv.registry import ConfigError

TrainingConfig = Config | Mapping[str, Any]
OFFLOADS = ("offload_optimizer", "offload_param")


def zero_stage(settings: Mapping[str, Any]) -> int:
    """Returns the ZeRO stage of engine settings, 0 to 3."""
    return int(_section(settings, "zero_optimization").get("stage", 0))


def engine_dtype(settings: Mapping[str, Any]) -> torch.dtype:
    """Returns the dtype that the engine gives every parameter."""
    if _enabled(settings, "bf16"):
        return torch.bfloat16
    return torch.float16 if _enabled(settings, "fp16") else torch.float32


def check_precision(settings: Mapping[str, Any], cfg: TrainingConfig, source: str) -> None:
    """Refuses two precisions at once, and what the device cannot compute.

    Args:
        settings: of the engine.
        cfg: the training config.
        source: names the settings in messages.
    """
    if cfg.get("fp16"):
        raise ConfigError(
            f"fp16={dict(cfg['fp16'])} has no effect with deepspeed=True: remove it, "
            f"{source} sets the precision"
        )
    bf16, fp16 = _enabled(settings, "bf16"), _enabled(settings, "fp16")
    if bf16 and fp16:
        raise ConfigError(f'{source}: "bf16" and "fp16" are both enabled; disable one')
    if fp16 and not _has_fp16():
        raise ConfigError(
            f"{source}: this machine's device cannot compute in fp16; replace the fp16 section by "
            '"bf16": {"enabled": true}, or remove it for fp32'
        )
    accumulation = _section(settings, "data_types").get("grad_accum_dtype")
    if zero_stage(settings) == 0 and bf16 and accumulation not in (None, "bf16", "bfloat16"):
        raise ConfigError(
            f'{source}: "grad_accum_dtype": {json.dumps(accumulation)} with bf16 needs '
            '"zero_optimization": {"stage": 1} or higher'
        )


def check_schedule(settings: Mapping[str, Any], source: str) -> None:
    """Refuses a second source of the learning rate; arguments as for ``check_precision``."""
    if "scheduler" in settings:
        raise ConfigError(
            f'{source}: "scheduler" would fight with lr_config over the learning rate; remove it'
        )


def check_offload(settings: Mapping[str, Any], source: str) -> None:
    """Refuses offload to disk, and offload that the stage does not have.

    Raises:
        ConfigError: names the key and what to write instead.
    """
    stage = zero_stage(settings)
    zero = _section(settings, "zero_optimization")
    for key in OFFLOADS:
        device = _section(zero, key).get("device", "none")
        if device in ("none", None):
            continue
        if device == "nvme":
            raise ConfigError(
                f'{source}: "{key}": {{"device": "nvme"}}: weights and moments that are swapped to'
                ' disk would be missing in checkpoints; write "cpu"'
            )
        if device != "cpu":
            raise ConfigError(f'{source}: "{key}" has device {device!r}; possible: "cpu", "none"')
        needed = 3 if key == "offload_param" else 1
        if stage < needed:
            raise ConfigError(
                f'{source}: "{key}" needs "zero_optimization": {{"stage": {needed}}}'
                f"{'' if needed == 3 else ' or higher'}, but the stage is {stage}"
            )


def check_unused_parameters(settings: Mapping[str, Any], cfg: TrainingConfig, source: str) -> None:
    """Refuses at stage 3 that ranks skip different layers; arguments as above."""
    if cfg.get("find_unused_parameters") and zero_stage(settings) == 3:
        raise ConfigError(
            f"find_unused_parameters=True with ZeRO-3 ({source}): the ranks put the weights of each"
            " layer together when it runs, so all would wait for one that skips it; use stage 2 or"
            " below, or remove find_unused_parameters if all ranks skip the same layers"
        )


def _has_fp16() -> bool:
    if torch.cuda.is_available() and os.environ.get("DS_ACCELERATOR", "cuda") == "cuda":
        return torch.cuda.get_device_capability()[0] >= 7
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    except (AttributeError, RuntimeError):  # a torch built without mkldnn
        return False


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return settings.get(name) or {}


def _enabled(settings: Mapping[str, Any], name: str) -> bool:
    return _section(settings, name).get("enabled") is True
