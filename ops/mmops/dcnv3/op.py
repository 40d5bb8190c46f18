"""DCNv3's sampling: every output pixel sums K bilinear samples of its group, weighted by a mask.

It is deformable attention with one level: groups are heads, pixels are queries, and the kernel's
taps are points. So it runs on that operator, with all of its backends.

Legend: N images, H W map, G groups, C channels per group, K = kernel_h · kernel_w taps. Taps are
numbered column by column, as the published weights have them: tap = i_x · kernel_h + i_y.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmops.deformable_attention import ms_deform_attn

Pair = tuple[int, int]


def dcnv3(
    x: Tensor,
    offset: Tensor,
    mask: Tensor,
    *,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    pad: Pair = (1, 1),
    dilation: Pair = (1, 1),
    group: int = 1,
    offset_scale: float = 1.0,
    backend: str = "auto",
) -> Tensor:
    """Samples ``x`` around every output pixel; outside of the map it is zero.

    Args:
        x: (N, H, W, G·C).
        offset: (N, H_out, W_out, G·K·2) x, y in pixels.
        mask: (N, H_out, W_out, G·K).
        kernel: height, width; and so are the other pairs.
        stride: of the output pixels.
        pad: zeros on each side.
        dilation: distance of the taps.
        group: G.
        offset_scale: multiplies the distance of the taps and the offsets.
        backend: see ``mmops.deformable_attention``.

    Returns:
        (N, H_out, W_out, G·C) in the dtype of ``x``.

    Raises:
        ValueError: sizes that do not fit together; the message names the argument.
    """
    size = _check(x, offset, mask, kernel=kernel, stride=stride, pad=pad, dilation=dilation,
                  group=group)  # fmt: skip
    images, height, width, channels = x.shape
    wide = torch.promote_types(x.dtype, torch.float32)
    center, taps = _positions(size, kernel, stride, pad, dilation, device=x.device, dtype=wide)
    count = kernel[0] * kernel[1]
    taps_and_offsets = taps + offset.to(wide).reshape(images, *size, group, count, 2)
    pixels = center[:, :, None, None] + offset_scale * taps_and_offsets
    locations = (pixels + 0.5) / torch.tensor([width, height], dtype=wide, device=x.device)
    queries = size[0] * size[1]
    output = ms_deform_attn(
        x.reshape(images, height * width, group, channels // group),
        [(height, width)],
        locations.reshape(images, queries, group, 1, count, 2),
        mask.reshape(images, queries, group, 1, count),
        backend=backend,
    )
    return output.view(images, *size, channels)


def _check(
    x: Tensor,
    offset: Tensor,
    mask: Tensor,
    *,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    group: int,
) -> Pair:
    """Returns the height and width of the output."""
    if x.ndim != 4 or x.shape[-1] % group:
        raise ValueError(f"x must be (N, H, W, {group}·C), but got {tuple(x.shape)}")
    height, width = (
        (x.shape[1 + i] + 2 * pad[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in range(2)
    )
    samples = group * kernel[0] * kernel[1]
    for name, tensor, last in (("offset", offset, 2 * samples), ("mask", mask, samples)):
        expected = (x.shape[0], height, width, last)
        if tuple(tensor.shape) != expected:
            raise ValueError(
                f"{name} must be {expected} for x {tuple(x.shape)} with kernel {kernel}, stride"
                f" {stride}, pad {pad} and dilation {dilation}, but got {tuple(tensor.shape)}"
            )
    return height, width


def _positions(
    size: Pair, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair, **options: Any
) -> tuple[Tensor, Tensor]:
    """Returns the kernel's centres (H_out, W_out, 2) and its taps around one (K, 2), as x, y."""
    reach = [dilation[i] * (kernel[i] - 1) // 2 for i in range(2)]
    rows, columns = (
        torch.arange(size[i], **options) * stride[i] + (reach[i] - pad[i]) for i in range(2)
    )
    down, right = (torch.arange(kernel[i], **options) * dilation[i] - reach[i] for i in range(2))
    centers = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    taps = torch.stack(torch.meshgrid(right, down, indexing="ij"), dim=-1)
    return centers, taps.flatten(0, 1)


def dcnv3_core_pytorch(
    input: Tensor,
    offset: Tensor,
    mask: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    group_channels: int,
    offset_scale: float,
) -> Tensor:
    """Computes ``dcnv3`` through ``F.grid_sample``; the published signature.

    Unequal paddings go to their own axes here; the published form swapped them.
    """
    return dcnv3(
        input,
        offset,
        mask,
        kernel=(kernel_h, kernel_w),
        stride=(stride_h, stride_w),
        pad=(pad_h, pad_w),
        dilation=(dilation_h, dilation_w),
        group=group,
        offset_scale=offset_scale,
        backend="reference",
    )


class DCNv3Function:
    """The published functional form over ``dcnv3``; autograd works through it."""

    @staticmethod
    def apply(
        input: Tensor,
        offset: Tensor,
        mask: Tensor,
        kernel_h: int,
        kernel_w: int,
        stride_h: int,
        stride_w: int,
        pad_h: int,
        pad_w: int,
        dilation_h: int,
        dilation_w: int,
        group: int,
        group_channels: int,
        offset_scale: float,
        im2col_step: int = 256,
    ) -> Tensor:
        """Computes ``dcnv3``; ``im2col_step`` was a memory setting and has no use here."""
        return dcnv3(
            input,
            offset,
            mask,
            kernel=(kernel_h, kernel_w),
            stride=(stride_h, stride_w),
            pad=(pad_h, pad_w),
            dilation=(dilation_h, dilation_w),
            group=group,
            offset_scale=offset_scale,
        )
