"""Multi-scale deformable attention in Triton: forward and backward for GPUs, compiled at run time.

One program serves a block of queries of one head: it loads and adds rows of D channels. Sums run in
fp32. The backward pass adds into an fp32 buffer atomically; with ``deterministic`` it writes every
contribution and sums them in a fixed order, which costs memory.

Legend as in ``reference.py``: B, S, Q, M, D, L, P.
"""

# pyright: basic, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK_QUERIES = 16


def forward(value: Tensor, sizes: list[int], locations: Tensor, weights: Tensor) -> Tensor:
    """Computes (B, Q, M·D) from contiguous tensors."""
    batch, positions, heads, channels = value.shape
    _, queries, _, levels, points, _ = locations.shape
    output = value.new_empty(batch, queries, heads * channels)
    _forward_kernel[_grid(batch, heads, queries)](
        value,
        torch.tensor(sizes, dtype=torch.int32, device=value.device),
        locations,
        weights,
        output,
        positions,
        queries,
        **_constants(heads, channels, levels, points),
    )
    return output


def backward(
    value: Tensor,
    sizes: list[int],
    locations: Tensor,
    weights: Tensor,
    grad_output: Tensor,
    *,
    deterministic: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the gradients of value, locations and weights."""
    batch, positions, heads, channels = value.shape
    _, queries, _, levels, points, _ = locations.shape
    samples = batch * queries * heads * levels * points
    grad_value = value.new_zeros(value.shape, dtype=torch.float32)
    rows, shares = grad_value, grad_value  # not touched unless deterministic
    if deterministic:
        rows = torch.empty(samples, 4, dtype=torch.int64, device=value.device)
        shares = torch.empty(samples, 4, dtype=torch.float32, device=value.device)
    grad_locations, grad_weights = torch.empty_like(locations), torch.empty_like(weights)
    _backward_kernel[_grid(batch, heads, queries)](
        value,
        torch.tensor(sizes, dtype=torch.int32, device=value.device),
        locations,
        weights,
        grad_output,
        grad_value,
        rows,
        shares,
        grad_locations,
        grad_weights,
        positions,
        queries,
        DETERMINISTIC=deterministic,
        **_constants(heads, channels, levels, points),
    )
    if deterministic:
        _add_in_order(grad_value, rows, shares, grad_output, levels * points)
    return grad_value.to(value.dtype), grad_locations, grad_weights


def _add_in_order(
    grad_value: Tensor, rows: Tensor, shares: Tensor, grad_output: Tensor, samples: int
) -> None:
    """Adds every contribution to its pixel, in the order ``index_put_`` sorts them into."""
    batch, channels = grad_value.shape[0], grad_value.shape[-1]
    table = grad_value.view(-1, channels)
    grads = grad_output.view(batch, -1, 1, channels).float()  # (B, Q·M, 1, D)
    rows, shares = rows.view(batch, -1, samples * 4), shares.view(batch, -1, samples * 4)
    for image in range(batch):  # one at a time bounds the memory
        contributions = shares[image, ..., None] * grads[image]
        indices = rows[image].reshape(-1)
        table.index_put_((indices,), contributions.view(-1, channels), accumulate=True)


def _grid(batch: int, heads: int, queries: int) -> tuple[int, int]:
    return triton.cdiv(queries, BLOCK_QUERIES), batch * heads


def _constants(heads: int, channels: int, levels: int, points: int) -> dict[str, int]:
    return {
        "M": heads,
        "D": channels,
        "L": levels,
        "P": points,
        "BLOCK_Q": BLOCK_QUERIES,
        "BLOCK_D": triton.next_power_of_2(channels),
    }


@triton.jit
def _load_sample(locations, weights, sample, is_query, width, height):
    """Returns x and y in pixels, and the weight, of one sample of each query."""
    x = tl.load(locations + 2 * sample, mask=is_query, other=0.0).to(tl.float32)
    y = tl.load(locations + 2 * sample + 1, mask=is_query, other=0.0).to(tl.float32)
    weight = tl.load(weights + sample, mask=is_query, other=0.0).to(tl.float32)
    return x * width - 0.5, y * height - 0.5, weight


@triton.jit
def _find_corner(x, y, corner: tl.constexpr, width, height, is_query):
    """Returns a neighbour's place in its level, its two shares, and whether there is one."""
    column = tl.floor(x) + corner % 2
    row = tl.floor(y) + corner // 2
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & is_query
    place = row.to(tl.int32) * width + column.to(tl.int32)
    return place, 1 - tl.abs(x - column), 1 - tl.abs(y - row), inside


@triton.jit
def _forward_kernel(
    value,
    sizes,
    locations,
    weights,
    output,
    S,
    Q,
    M: tl.constexpr,
    D: tl.constexpr,
    L: tl.constexpr,
    P: tl.constexpr,
    BLOCK_Q: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    head = tl.program_id(1)
    image = (head // M).to(tl.int64)
    q = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    d = tl.arange(0, BLOCK_D)
    is_query = q < Q
    item = (image * Q + q) * M + head % M
    pixels = value + (image * S * M + head % M) * D + d[None, :]
    total = tl.zeros((BLOCK_Q, BLOCK_D), tl.float32)
    start = 0
    for level in tl.static_range(L):
        height = tl.load(sizes + 2 * level)
        width = tl.load(sizes + 2 * level + 1)
        for point in tl.static_range(P):
            sample = item * (L * P) + level * P + point
            x, y, weight = _load_sample(locations, weights, sample, is_query, width, height)
            for corner in tl.static_range(4):
                place, part_x, part_y, inside = _find_corner(x, y, corner, width, height, is_query)
                mask = inside[:, None] & (d < D)[None, :]
                offsets = (start + place)[:, None] * (M * D)
                pixel = tl.load(pixels + offsets, mask=mask, other=0.0)
                total += (weight * part_x * part_y)[:, None] * pixel.to(tl.float32)
        start += height * width
    target = output + item[:, None] * D + d[None, :]
    tl.store(target, total.to(output.dtype.element_ty), mask=is_query[:, None] & (d < D)[None, :])


@triton.jit
def _backward_kernel(
    value,
    sizes,
    locations,
    weights,
    grad_output,
    grad_value,
    rows,
    shares,
    grad_locations,
    grad_weights,
    S,
    Q,
    M: tl.constexpr,
    D: tl.constexpr,
    L: tl.constexpr,
    P: tl.constexpr,
    BLOCK_Q: tl.constexpr,
    BLOCK_D: tl.constexpr,
    DETERMINISTIC: tl.constexpr,
):
    head = tl.program_id(1)
    image = (head // M).to(tl.int64)
    q = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    d = tl.arange(0, BLOCK_D)
    is_query = q < Q
    is_grad = is_query[:, None] & (d < D)[None, :]
    item = (image * Q + q) * M + head % M
    grad = tl.load(grad_output + item[:, None] * D + d[None, :], mask=is_grad, other=0.0)
    grad = grad.to(tl.float32)
    first_row = image * S * M + head % M
    start = 0
    for level in tl.static_range(L):
        height = tl.load(sizes + 2 * level)
        width = tl.load(sizes + 2 * level + 1)
        for point in tl.static_range(P):
            sample = item * (L * P) + level * P + point
            x, y, weight = _load_sample(locations, weights, sample, is_query, width, height)
            along_x = tl.zeros((BLOCK_Q,), tl.float32)
            along_y = tl.zeros((BLOCK_Q,), tl.float32)
            along_weight = tl.zeros((BLOCK_Q,), tl.float32)
            for corner in tl.static_range(4):
                place, part_x, part_y, inside = _find_corner(x, y, corner, width, height, is_query)
                pixel_row = first_row + (start + place).to(tl.int64) * M
                mask = inside[:, None] & (d < D)[None, :]
                offsets = pixel_row[:, None] * D + d[None, :]
                pixel = tl.load(value + offsets, mask=mask, other=0.0).to(tl.float32)
                dot = tl.sum(pixel * grad, 1)
                along_weight += part_x * part_y * dot
                along_x += (2 * (corner % 2) - 1) * part_y * dot
                along_y += (2 * (corner // 2) - 1) * part_x * dot
                share = weight * part_x * part_y
                if DETERMINISTIC:
                    safe_row = tl.where(inside, pixel_row, first_row)
                    safe_share = tl.where(inside, share, 0.0)
                    tl.store(rows + sample * 4 + corner, safe_row, mask=is_query)
                    tl.store(shares + sample * 4 + corner, safe_share, mask=is_query)
                else:
                    added = share[:, None] * grad
                    tl.atomic_add(grad_value + offsets, added, mask=mask, sem="relaxed")
            # Locations and weights are fp32 whatever the values are: see op.py.
            tl.store(grad_weights + sample, along_weight, mask=is_query)
            tl.store(grad_locations + 2 * sample, weight * along_x * width, mask=is_query)
            tl.store(grad_locations + 2 * sample + 1, weight * along_y * height, mask=is_query)
        start += height * width
