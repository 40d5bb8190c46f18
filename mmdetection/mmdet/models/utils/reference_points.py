"""Reference points of deformable attention: scaled, moved, encoded; always in fp32."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def inverse_sigmoid(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Returns the logit of ``x``, which is kept ``eps`` away from 0 and 1."""
    x = x.clamp(min=0, max=1)
    return torch.log(x.clamp(min=eps) / (1 - x).clamp(min=eps))


def on_each_level(reference_points: Tensor, valid_ratios: Tensor) -> Tensor:
    """Returns points (B, Q, 2 or 4) as shares of each padded map, (B, Q, L, 2 or 4)."""
    size = reference_points.shape[-1]
    if size not in (2, 4):
        raise ValueError(f"reference points must have 2 or 4 coordinates, but have {size}")
    return reference_points[:, :, None] * valid_ratios.repeat(1, 1, size // 2)[:, None]


def refine(moves: Tensor, reference_points: Tensor, eps: float = 1e-5) -> Tensor:
    """Moves reference points (B, Q, 2 or 4) by ``moves`` (B, Q, 4) in logits.

    Width and height come from ``moves`` alone where the points have none.
    """
    moves = moves.float()
    logits = inverse_sigmoid(reference_points, eps)
    if logits.shape[-1] == 2:
        logits = nn.functional.pad(logits, (0, 2))
    return (moves + logits).sigmoid()


def sine_embedding(positions: Tensor, num_feats: int, temperature: float = 10000) -> Tensor:
    """Returns sines of the even and cosines of the odd channels, coordinate by coordinate.

    Args:
        positions: (..., K) in [0, 1].
        num_feats: channels per coordinate.
        temperature: base of the wavelengths.

    Returns:
        (..., K * num_feats) fp32.
    """
    index = torch.arange(num_feats, dtype=torch.float32, device=positions.device)
    wavelength = temperature ** (2 * (index // 2) / num_feats)
    angle = positions.float()[..., None] * (2 * math.pi) / wavelength
    waves = torch.stack([angle[..., 0::2].sin(), angle[..., 1::2].cos()], dim=-1)
    return waves.flatten(-3)
