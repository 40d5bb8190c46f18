"""Activation checkpointing: what a block keeps for its backward pass.

| mode | kept | computed twice |
| --- | --- | --- |
| full | the block's input | everything |
| selective | and outputs of matrix products and attention kernels | norms, activations, scaling |
| off | everything | nothing |

For a ViT block "selective" keeps 11 of 20 values per token and channel and repeats next to no
floating point operations (Korthikanti et al., 2022, arXiv:2205.05198, cut after operations).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from mmcv.registry import ConfigError, did_you_mean

MODES = ("selective", "full", "off")

# By name: which of them exist differs between versions of torch. The two products of the plain
# attention formula (bmm) are not among them: their N x N results are what nobody can keep.
_ATEN = torch.ops.aten
_KEPT_NAMES = (
    "mm",
    "addmm",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
)
KEPT = frozenset(getattr(_ATEN, name).default for name in _KEPT_NAMES if hasattr(_ATEN, name))


def recompute_mode(with_cp: bool | str) -> str:
    """Translates the config key ``with_cp``: True is "selective", False is "off".

    Raises:
        ConfigError: another word than those of ``MODES``.
    """
    mode = {True: "selective", False: "off"}.get(with_cp, with_cp)  # pyright: ignore
    if mode not in MODES:
        raise ConfigError(
            f"with_cp must be True, False or one of {', '.join(MODES)}, but is {with_cp!r}"
            f"{did_you_mean(str(with_cp), MODES)}"
        )
    return str(mode)


def run_recomputed(function: Callable[..., Any], *args: Any, mode: str) -> Any:
    """Calls ``function(*args)``; what it does not keep is computed again in the backward pass.

    Args:
        function: a block; random draws are repeated as they were.
        args: its arguments.
        mode: one of ``MODES``.
    """
    if mode == "off" or not torch.is_grad_enabled():
        return function(*args)
    if mode == "full":
        return checkpoint(function, *args, use_reentrant=False)
    return checkpoint(function, *args, use_reentrant=False, context_fn=_selective_contexts)


def _selective_contexts() -> Any:
    return create_selective_checkpoint_contexts(_policy)


def _policy(_context: Any, operator: Any, *_args: Any, **_kwargs: Any) -> CheckpointPolicy:
    kept = operator in KEPT
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE
