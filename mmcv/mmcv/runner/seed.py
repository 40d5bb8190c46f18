"""Random numbers: seeding them, and keeping their state so that a run continues exactly."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from mmcv.runner.dist_utils import broadcast_object, get_dist_info


def init_random_seed(seed: int | None = None, device: str = "cuda") -> int:
    """Returns ``seed``, or one drawn on rank 0 that all ranks share.

    Args:
        seed: what the user asked for.
        device: accepted for 1.x callers.
    """
    return seed if seed is not None else broadcast_object(random.SystemRandom().randrange(2**31))


def set_random_seed(seed: int, deterministic: bool = False, use_rank_shift: bool = False) -> None:
    """Seeds python, numpy and torch.

    Args:
        seed: 0 ... 2**32 - 1.
        deterministic: have cuDNN choose reproducible algorithms.
        use_rank_shift: add the rank, so that the ranks draw different numbers.
    """
    if use_rank_shift:
        seed += get_dist_info()[0]
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # all devices
    if deterministic:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def get_rng_state() -> dict[str, Any]:
    """Returns the state of all generators of this process, in types that are safe to read back."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), position, has_gauss, gauss),  # type: ignore[union-attr]
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Restores what :func:`get_rng_state` returned."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())
