"""ZeRO settings by name: ``deepspeed_config='zero2_bf16'`` instead of a json file."""

from __future__ import annotations

import re
from typing import Any

import torch

from mmcv.registry import ConfigError

PRESET_NAME = re.compile(r"zero(?P<stage>[0-3])_(?P<dtype>fp32|bf16|fp16)(?P<offload>_offload)?")
PRESET_NAMES = tuple(
    f"zero{stage}_{dtype}{offload}"
    for offload in ("", "_offload")
    for stage in range(4)
    for dtype in ("fp32", "bf16", "fp16")
    if stage or not offload
)


def make_preset(name: str) -> dict[str, Any]:
    """Returns the settings of ``zero{0,1,2,3}_{fp32,bf16,fp16}[_offload]``.

    ``_offload`` keeps master weights and moments in host memory, and the parameters too at stage 3.

    Raises:
        ConfigError: offload at stage 0, which has nothing that could be moved.
    """
    match = PRESET_NAME.fullmatch(name)
    assert match is not None, name
    stage = int(match["stage"])
    zero: dict[str, Any] = {"stage": stage}
    if stage in (1, 2):
        zero |= {
            "overlap_comm": True,
            "contiguous_gradients": True,
            "reduce_bucket_size": 500_000_000,
            "allgather_bucket_size": 500_000_000,
        }
    if stage == 3:
        zero |= {
            "overlap_comm": True,
            "contiguous_gradients": True,
            "reduce_bucket_size": 100_000_000,
            "stage3_prefetch_bucket_size": 100_000_000,
            "stage3_param_persistence_threshold": 100_000,
            "stage3_max_live_parameters": 1_000_000_000,
            "stage3_max_reuse_distance": 1_000_000_000,
        }
    if match["offload"]:
        if stage == 0:
            raise ConfigError(
                f"deepspeed_config: {name!r} does not exist: offload needs stage 1, 2 or 3; "
                f"take 'zero1_{match['dtype']}_offload'"
            )
        zero |= _offload(stage)
    return {"zero_optimization": zero, **_precision(match["dtype"])}


def _offload(stage: int) -> dict[str, Any]:
    to_cpu = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    both = {"offload_optimizer": to_cpu, "offload_param": dict(to_cpu)}
    return both if stage == 3 else {"offload_optimizer": to_cpu}


def _precision(dtype: str) -> dict[str, Any]:
    if dtype == "bf16":
        return {"bf16": {"enabled": True}}
    if dtype == "fp16":
        # loss_scale 0 means dynamic, starting from 2**16.
        return {"fp16": {"enabled": True, "loss_scale": 0, "initial_scale_power": 16}}
    return {}
