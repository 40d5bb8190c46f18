"""Inference in overlapping windows, averaged where they overlap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mmseg.registry import ModelConfigError

MODES = ("slide", "whole")


def check_test_cfg(test_cfg: Any) -> None:
    """Raises ModelConfigError if images cannot be tested as a segmentor's ``test_cfg`` says."""
    mode = inference_mode(test_cfg)
    if mode not in MODES:
        raise ModelConfigError(f"test_cfg.mode must be one of {MODES}, but is {mode!r}")
    if mode == "whole":
        return
    crop, stride = test_cfg.get("crop_size"), test_cfg.get("stride")
    for key, value in (("crop_size", crop), ("stride", stride)):
        is_pair = isinstance(value, (list, tuple)) and len(value) == 2
        if not (is_pair and all(isinstance(n, int) and n > 0 for n in value)):
            raise ModelConfigError(
                f"test_cfg.{key} must be (height, width) where mode='slide', but is {value}"
            )
    batch_size = test_cfg.get("window_batch_size", 1)
    if not (isinstance(batch_size, int) and batch_size > 0):
        raise ModelConfigError(
            f"test_cfg.window_batch_size must be a positive number, but is {batch_size!r}"
        )
    if any(s > c for s, c in zip(stride, crop, strict=True)):
        raise ModelConfigError(
            f"test_cfg.stride {tuple(stride)} leaves gaps between windows of {tuple(crop)}"
        )


def inference_mode(test_cfg: Any) -> str:
    """Returns how images are tested; without a ``mode`` it is "whole"."""
    return (test_cfg or {}).get("mode", "whole")


def window_starts(size: int, crop: int, stride: int) -> list[int]:
    """Returns where windows start along one side; the last one is moved back into the image."""
    num_windows = max(size - crop + stride - 1, 0) // stride + 1
    return [max(min(i * stride + crop, size) - crop, 0) for i in range(num_windows)]


def slide(
    predict: Callable[[Tensor, int], Tensor],
    img: Tensor,
    *,
    crop_size: tuple[int, int],
    stride: tuple[int, int],
    window_batch_size: int = 1,
) -> Tensor:
    """Returns the mean of the predictions of all windows over each pixel.

    Args:
        predict: maps crops (n * B, 3, h, w) of n windows, and n, to (n * B, C, h, w).
        img: (B, 3, H, W).
        crop_size: height and width of a window; smaller images are one window.
        stride: steps between windows.
        window_batch_size: number of windows predicted at a time.

    Returns:
        (B, C, H, W)
    """
    size = img.shape[2:]
    starts = [window_starts(*args) for args in zip(size, crop_size, stride, strict=True)]
    windows = [
        (slice(y, y + crop_size[0]), slice(x, x + crop_size[1]))
        for y in starts[0]
        for x in starts[1]
    ]
    total: Tensor | None = None
    for first in range(0, len(windows), window_batch_size):
        group = windows[first : first + window_batch_size]
        crops = torch.cat([img[:, :, rows, cols] for rows, cols in group])
        logits = predict(crops, len(group))
        if total is None:
            total = logits.new_zeros(len(img), logits.size(1), *size)
        for (rows, cols), part in zip(group, logits.chunk(len(group)), strict=True):
            total[:, :, rows, cols] += part
    assert total is not None
    rows, cols = (_coverage(*args).to(total) for args in zip(size, starts, crop_size, strict=True))
    return total.div_(rows[:, None] * cols)


def _coverage(size: int, starts: list[int], crop: int) -> Tensor:
    """Returns by how many windows each position along one side is covered, (size,)."""
    count = torch.zeros(size)
    for start in starts:
        count[start : start + crop] += 1
    return count
