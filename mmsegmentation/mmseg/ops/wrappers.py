"""Interpolation with a warning where ``align_corners`` cannot align."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


def resize(
    input: Tensor,
    size: Sequence[int] | int | None = None,
    scale_factor: float | tuple[float, float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    warning: bool = True,
) -> Tensor:
    """Resizes maps; ``F.interpolate`` plus a check.

    Args:
        input: (B, C, H, W).
        size: of the result.
        scale_factor: instead of ``size``.
        mode: "nearest", "bilinear", ...
        align_corners: see ``F.interpolate``.
        warning: warn if corners are to be aligned but the pixels between them cannot be.
    """
    if warning and size is not None and align_corners:
        _warn_if_unaligned(tuple(input.shape[2:]), size)
    return F.interpolate(input, size, scale_factor, mode, align_corners)


def _warn_if_unaligned(before: tuple[int, ...], size: Sequence[int] | int) -> None:
    after = (size,) * len(before) if isinstance(size, int) else tuple(int(n) for n in size)
    grows = any(b > a for a, b in zip(before, after, strict=True))
    if not grows or min(*before, *after) <= 1:
        return
    if all((b - 1) % (a - 1) for a, b in zip(before, after, strict=True)):
        warnings.warn(
            f"When align_corners=True, the output would be more aligned if input size {before}"
            f" is `x+1` and out size {after} is `nx+1`",
            stacklevel=3,
        )


class Upsample(nn.Module):
    """:func:`resize` as a module.

    Args:
        size: of the result.
        scale_factor: instead of ``size``; sizes are rounded down.
        mode: "nearest", "bilinear", ...
        align_corners: see ``F.interpolate``.
    """

    def __init__(
        self,
        size: tuple[int, int] | int | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        """Returns the resized (B, C, H, W)."""
        return resize(x, self.size or self._scaled(x), None, self.mode, self.align_corners)

    def _scaled(self, x: Tensor) -> tuple[int, int]:
        factor = self.scale_factor
        if factor is None:
            raise ValueError("Upsample needs size or scale_factor")
        factors = factor if isinstance(factor, tuple) else (factor, factor)
        height, width = (int(n * f) for n, f in zip(x.shape[-2:], factors, strict=True))
        return height, width
