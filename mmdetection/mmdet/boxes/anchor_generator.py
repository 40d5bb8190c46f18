"""Anchors: boxes of several sizes and shapes at every cell of the maps of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.grid import (
    Device,
    Size,
    covered_cells,
    cpu_tensor,
    default_device,
    describe,
    meshgrid,
    pair,
    valid_cells,
)
from mmdet.registry import MODELS


@MODELS.register_module()
class AnchorGenerator:
    """Makes the anchors of each level; all lengths are in pixels of the network's input.

    Args:
        strides: of each level; a number, or (x, y).
        ratios: height over width.
        scales: side over base size; or give ``octave_base_scale`` and ``scales_per_octave``.
        base_sizes: of each level; by default its smaller stride.
        scale_major: whether the scales of the first ratio come first, or the ratios of the first
            scale.
        octave_base_scale: smallest scale.
        scales_per_octave: number of scales from there to twice as large, in equal ratios.
        centers: (x, y) of the first cell's anchors, of each level.
        center_offset: the same as a share of the base size, from 0 to 1.
    """

    strides: list[tuple[Any, Any]]
    base_sizes: Any
    scales: Any
    ratios: Any
    centers: Any
    center_offset: float

    def __init__(
        self,
        strides: Sequence[Any],
        ratios: Sequence[float],
        scales: Sequence[float] | None = None,
        base_sizes: Sequence[float] | None = None,
        scale_major: bool = True,
        octave_base_scale: float | None = None,
        scales_per_octave: int | None = None,
        centers: Sequence[Sequence[float]] | None = None,
        center_offset: float = 0.0,
    ) -> None:
        if center_offset != 0:
            assert centers is None, (
                f"center cannot be set when center_offset != 0, {centers} is given."
            )
        if not 0 <= center_offset <= 1:
            raise ValueError(f"center_offset should be in range [0, 1], {center_offset} is given.")
        self.strides = [pair(stride) for stride in strides]
        if centers is not None:
            assert len(centers) == len(strides), (
                f"one center per stride is needed, got {len(centers)} for {len(strides)} strides"
            )
        self.base_sizes = [min(s) for s in self.strides] if base_sizes is None else base_sizes
        assert len(self.base_sizes) == len(self.strides), (
            f"one base size per stride is needed, got {self.base_sizes} for {self.strides}"
        )
        octaves = octave_base_scale is not None and scales_per_octave is not None
        assert octaves ^ (scales is not None), (
            "scales and octave_base_scale with scales_per_octave cannot be set at the same time"
            " (and one of the two must be)"
        )
        if scales is None:
            assert octave_base_scale is not None and scales_per_octave is not None
            scales = [
                2 ** (i / scales_per_octave) * octave_base_scale for i in range(scales_per_octave)
            ]
        self.scales = cpu_tensor(scales)
        self.octave_base_scale = octave_base_scale
        self.scales_per_octave = scales_per_octave
        self.ratios = cpu_tensor(ratios)
        self.scale_major = scale_major
        self.centers = centers
        self.center_offset = center_offset
        self.base_anchors = self.gen_base_anchors()

    @property
    def num_base_priors(self) -> list[int]:
        """Number of anchors at a cell of each level."""
        return [len(anchors) for anchors in self.base_anchors]

    @property
    def num_base_anchors(self) -> list[int]:
        """The same under its older name."""
        return self.num_base_priors

    @property
    def num_levels(self) -> int:
        """Number of maps."""
        return len(self.strides)

    def gen_base_anchors(self) -> list[Tensor]:
        """Makes the anchors (A, 4) of the first cell of each level."""
        return [
            self.gen_single_level_base_anchors(
                base_size,
                scales=self.scales,
                ratios=self.ratios,
                center=None if self.centers is None else self.centers[level],
            )
            for level, base_size in enumerate(self.base_sizes)
        ]

    def gen_single_level_base_anchors(
        self,
        base_size: Any,
        scales: Tensor,
        ratios: Tensor,
        center: Sequence[float] | None = None,
    ) -> Tensor:
        """Makes the anchors (A, 4) of one cell.

        Args:
            base_size: side of a square anchor of scale 1.
            scales: (S,).
            ratios: (R,).
            center: (x, y); by default ``center_offset`` of the base size.
        """
        offset = self.center_offset * base_size
        x_center, y_center = (offset, offset) if center is None else center
        widths, heights = self._sides(base_size, scales, ratios)
        return torch.stack(
            [
                x_center - 0.5 * widths,
                y_center - 0.5 * heights,
                x_center + 0.5 * widths,
                y_center + 0.5 * heights,
            ],
            dim=-1,
        )

    def _sides(self, base_size: Any, scales: Tensor, ratios: Tensor) -> tuple[Tensor, Tensor]:
        h_ratios = torch.sqrt(ratios)
        w_ratios = 1 / h_ratios
        if self.scale_major:
            widths = base_size * w_ratios[:, None] * scales[None, :]
            heights = base_size * h_ratios[:, None] * scales[None, :]
        else:
            widths = base_size * scales[:, None] * w_ratios[None, :]
            heights = base_size * scales[:, None] * h_ratios[None, :]
        return widths.view(-1), heights.view(-1)

    def grid_priors(
        self,
        featmap_sizes: Sequence[Size],
        dtype: torch.dtype = torch.float32,
        device: Device = None,
    ) -> list[Tensor]:
        """Makes the anchors (height * width * A, 4) of each level.

        Args:
            featmap_sizes: (height, width) of each level.
            dtype: of the anchors.
            device: of the anchors; by default the GPU if there is one.
        """
        assert self.num_levels == len(featmap_sizes)
        return [
            self.single_level_grid_priors(size, level_idx=level, dtype=dtype, device=device)
            for level, size in enumerate(featmap_sizes)
        ]

    def single_level_grid_priors(
        self,
        featmap_size: Size,
        level_idx: int,
        dtype: torch.dtype = torch.float32,
        device: Device = None,
    ) -> Tensor:
        """Makes the anchors (height * width * A, 4) of one level: cell by cell, row by row."""
        device = device or default_device()
        base_anchors = self.base_anchors[level_idx].to(device).to(dtype)
        return self._shifted(base_anchors, featmap_size, self.strides[level_idx], dtype, device)

    def _shifted(
        self, base_anchors: Tensor, size: Size, stride: Size, dtype: torch.dtype, device: Device
    ) -> Tensor:
        shift_x = torch.arange(0, size[1], device=device).to(dtype) * stride[0]
        shift_y = torch.arange(0, size[0], device=device).to(dtype) * stride[1]
        xx, yy = meshgrid(shift_x, shift_y)
        shifts = torch.stack([xx, yy, xx, yy], dim=-1)
        return (base_anchors[None] + shifts[:, None]).view(-1, 4)

    def sparse_priors(
        self,
        prior_idxs: Tensor,
        featmap_size: Size,
        level_idx: int,
        dtype: torch.dtype = torch.float32,
        device: Device = None,
    ) -> Tensor:
        """Makes the anchors (K, 4) at places ``prior_idxs`` (K,) of :meth:`grid_priors`."""
        device = device or default_device()
        height, width = featmap_size
        number = self.num_base_priors[level_idx]
        stride_x, stride_y = self.strides[level_idx]
        cell, kind = prior_idxs // number, prior_idxs % number
        x = cell % width * stride_x
        y = cell // width % height * stride_y
        shifts = torch.stack([x, y, x, y], 1).to(dtype).to(device)
        return shifts + self.base_anchors[level_idx].to(device)[kind.to(device)]

    def grid_anchors(self, featmap_sizes: Sequence[Size], device: Device = None) -> list[Tensor]:
        """Does what :meth:`grid_priors` does; the older name."""
        return self.grid_priors(featmap_sizes, device=device)

    def single_level_grid_anchors(
        self,
        base_anchors: Tensor,
        featmap_size: Size,
        stride: Size = (16, 16),
        device: Device = None,
    ) -> Tensor:
        """Places ``base_anchors`` (A, 4) at the cells of one map."""
        device = device or default_device()
        base_anchors = base_anchors.to(device)
        return self._shifted(base_anchors, featmap_size, pair(stride), base_anchors.dtype, device)

    def valid_flags(
        self, featmap_sizes: Sequence[Size], pad_shape: Size, device: Device = None
    ) -> list[Tensor]:
        """Flags, per level, the anchors whose cell lies inside of an image.

        Args:
            featmap_sizes: (height, width) of each level.
            pad_shape: (height, width, ...) of the image.
            device: of the flags.
        """
        assert self.num_levels == len(featmap_sizes)
        return [
            self.single_level_valid_flags(
                size,
                covered_cells(size, pad_shape, self.strides[level]),
                self.num_base_priors[level],
                device=device,
            )
            for level, size in enumerate(featmap_sizes)
        ]

    def single_level_valid_flags(
        self,
        featmap_size: Size,
        valid_size: Size,
        num_base_anchors: int,
        device: Device = None,
    ) -> Tensor:
        """Flags the anchors of one level; see :func:`mmdet.boxes.grid.valid_cells`."""
        return valid_cells(featmap_size, valid_size, num_base_anchors, device)

    def __repr__(self) -> str:
        return describe(
            self,
            [
                "strides",
                "ratios",
                "scales",
                "base_sizes",
                "scale_major",
                "octave_base_scale",
                "scales_per_octave",
                "num_levels",
                "centers",
                "center_offset",
            ],
        )
