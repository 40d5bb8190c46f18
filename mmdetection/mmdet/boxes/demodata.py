"""Random boxes for examples and tests, drawn as 1.x draws them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

Rng = int | np.random.RandomState | None


def ensure_rng(rng: Rng = None) -> np.random.RandomState:
    """Returns a generator: numpy's global one for None, a fresh one for a seed."""
    if rng is None:
        # The legacy global state: what np.random.seed() seeds.
        return np.random.mtrand._rand  # pyright: ignore[reportAttributeAccessIssue]
    return np.random.RandomState(rng) if isinstance(rng, int) else rng


def random_boxes(num: int = 1, scale: float = 1, rng: Rng = None) -> Tensor:
    """Draws boxes (num, 4) x1 y1 x2 y2 within a square of side ``scale``."""
    corners = ensure_rng(rng).rand(num, 4).astype(np.float32)
    low = np.minimum(corners[:, :2], corners[:, 2:])
    high = np.maximum(corners[:, :2], corners[:, 2:])
    return torch.from_numpy(np.concatenate([low, high], axis=1) * np.float32(scale))
