"""Deformable attention in plain torch: bilinear samples of each level, weighted and summed.

Legend: B batch, S = Σ H_l·W_l value positions, Q queries, M heads, D channels per head, L levels,
P points.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def ms_deform_attn_reference(
    value: Tensor, shapes: Tensor | Sequence[Sequence[int]], locations: Tensor, weights: Tensor
) -> Tensor:
    """Sums bilinear samples of ``value`` at ``locations``; outside of a map the value is zero.

    Args:
        value: (B, S, M, D).
        shapes: (L, 2) integers, height and width of each level.
        locations: (B, Q, M, L, P, 2) x, y in units of the map: 0 and 1 are its outer edges.
        weights: (B, Q, M, L, P).

    Returns:
        (B, Q, M·D) in the dtype of ``value``; sums run in fp32 at least.
    """
    dtype = value.dtype
    value = value.to(torch.promote_types(dtype, torch.float32))
    locations, weights = locations.to(value.dtype), weights.to(value.dtype)
    batch, _, heads, channels = value.shape
    queries, levels, points = locations.shape[1], locations.shape[3], locations.shape[4]
    sizes = [(int(h), int(w)) for h, w in shapes]
    filled = [level for level, (h, w) in enumerate(sizes) if h * w]
    if not filled or batch * queries * points == 0:
        return value.new_zeros(batch, queries, heads * channels, dtype=dtype)
    if len(filled) < levels:  # an empty map adds nothing, and grid_sample refuses it
        sizes, levels = [sizes[level] for level in filled], len(filled)
        locations, weights = locations[:, :, :, filled], weights[:, :, :, filled]
    samples = []
    for level, part in enumerate(value.split([h * w for h, w in sizes], dim=1)):
        image, grid = _image_and_grid(part, sizes[level], locations[:, :, :, level])
        samples.append(F.grid_sample(image, grid, align_corners=False))
    flat_weights = weights.transpose(1, 2).reshape(batch * heads, 1, queries, levels * points)
    summed = (torch.stack(samples, dim=-2).flatten(-2) * flat_weights).sum(-1)
    output = summed.view(batch, heads * channels, queries).transpose(1, 2).contiguous()
    return output.to(dtype)


def ms_deform_attn_reference_backward(
    value: Tensor,
    shapes: Sequence[tuple[int, int]],
    locations: Tensor,
    weights: Tensor,
    grad_output: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the gradients of value, locations and weights, all of one dtype, without autograd.

    Operators run below autograd, so they cannot differentiate the forward form.
    """
    batch, _, heads, channels = value.shape
    grad = grad_output.unflatten(-1, (heads, channels)).permute(0, 2, 3, 1)
    grad = grad.flatten(0, 1).unsqueeze(-1)  # (B·M, D, Q, 1)
    grads_value = []
    grad_locations, grad_weights = torch.zeros_like(locations), torch.zeros_like(weights)
    for level, part in enumerate(value.split([h * w for h, w in shapes], dim=1)):
        if 0 in (part.numel(), grad.numel()):
            grads_value.append(torch.zeros_like(part))
            continue
        image, grid = _image_and_grid(part, shapes[level], locations[:, :, :, level])
        share = weights[:, :, :, level].transpose(1, 2).flatten(0, 1).unsqueeze(1)  # (B·M, 1, Q, P)
        samples = F.grid_sample(image, grid, align_corners=False)
        bilinear, zeros = 0, 0
        of_image, of_grid = torch.ops.aten.grid_sampler_2d_backward(
            grad * share, image, grid, bilinear, zeros, False, [True, True]
        )
        grads_value.append(of_image.view(batch, heads, channels, -1).permute(0, 3, 1, 2))
        of_heads = (batch, heads)
        grad_locations[:, :, :, level] = 2 * of_grid.unflatten(0, of_heads).transpose(1, 2)
        of_weights = (samples * grad).sum(1).unflatten(0, of_heads)
        grad_weights[:, :, :, level] = of_weights.transpose(1, 2)
    return torch.cat(grads_value, dim=1).contiguous(), grad_locations, grad_weights


def _image_and_grid(
    part: Tensor, size: tuple[int, int], locations: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns what ``F.grid_sample`` takes: (B·M, D, H, W) and (B·M, Q, P, 2).

    Args:
        part: (B, H·W, M, D) values of one level.
        size: H, W.
        locations: (B, Q, M, P, 2).
    """
    image = part.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, size)
    return image, (2 * locations - 1).transpose(1, 2).flatten(0, 1)
