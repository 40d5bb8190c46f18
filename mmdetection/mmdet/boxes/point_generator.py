"""Points at every cell of feature maps: the priors of anchor-free heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.boxes.grid import (
    Device,
    Size,
    covered_cells,
    default_device,
    meshgrid,
    pair,
    valid_cells,
)
from mmdet.registry import MODELS


@MODELS.register_module()
class PointGenerator:
    """Makes the points of one map at the top left corners of its cells."""

    def grid_points(self, featmap_size: Size, stride: float = 16, device: Device = None) -> Tensor:
        """Makes points (height * width, 3): x, y, stride."""
        height, width = featmap_size
        device = device or default_device()
        xx, yy = meshgrid(
            torch.arange(0.0, width, device=device) * stride,
            torch.arange(0.0, height, device=device) * stride,
        )
        return torch.stack([xx, yy, torch.full_like(xx, stride)], dim=-1)

    def valid_flags(self, featmap_size: Size, valid_size: Size, device: Device = None) -> Tensor:
        """Flags the points in the top left part; see :func:`mmdet.boxes.grid.valid_cells`."""
        return valid_cells(featmap_size, valid_size, 1, device)


@MODELS.register_module()
class MlvlPointGenerator:
    """Makes the points of the maps of a pyramid, in pixels of the network's input.

    Args:
        strides: of each level; a number, or (x, y).
        offset: place within the cell: 0.5 is its middle.
    """

    def __init__(self, strides: Sequence[Any], offset: float = 0.5) -> None:
        self.strides = [pair(stride) for stride in strides]
        self.offset = offset

    @property
    def num_levels(self) -> int:
        """Number of maps."""
        return len(self.strides)

    @property
    def num_base_priors(self) -> list[int]:
        """Number of points at a cell of each level."""
        return [1 for _ in self.strides]

    def grid_priors(
        self,
        featmap_sizes: Sequence[Size],
        dtype: torch.dtype = torch.float32,
        device: Device = None,
        with_stride: bool = False,
    ) -> list[Tensor]:
        """Makes the points of each level, row by row.

        Args:
            featmap_sizes: (height, width) of each level.
            dtype: of the points.
            device: of the points; by default the GPU if there is one.
            with_stride: append the strides.

        Returns:
            (height * width, 2) x and y; (height * width, 4) with the x and y strides.
        """
        assert self.num_levels == len(featmap_sizes)
        return [
            self.single_level_grid_priors(size, level, dtype, device, with_stride)
            for level, size in enumerate(featmap_sizes)
        ]

    def single_level_grid_priors(
        self,
        featmap_size: Size,
        level_idx: int,
        dtype: torch.dtype = torch.float32,
        device: Device = None,
        with_stride: bool = False,
    ) -> Tensor:
        """Makes the points of one level; see :meth:`grid_priors`."""
        height, width = featmap_size
        stride_x, stride_y = self.strides[level_idx]
        device = device or default_device()
        x = (torch.arange(0, width, device=device) + self.offset) * stride_x
        y = (torch.arange(0, height, device=device) + self.offset) * stride_y
        xx, yy = meshgrid(x.to(dtype), y.to(dtype))
        columns = [xx, yy]
        if with_stride:
            columns += [torch.full_like(xx, stride_x), torch.full_like(yy, stride_y)]
        return torch.stack(columns, dim=-1)

    def sparse_priors(
        self,
        prior_idxs: Tensor,
        featmap_size: Size,
        level_idx: int,
        dtype: torch.dtype = torch.float32,
        device: Device = None,
    ) -> Tensor:
        """Makes the points (K, 2) at places ``prior_idxs`` (K,) of :meth:`grid_priors`."""
        height, width = featmap_size
        stride_x, stride_y = self.strides[level_idx]
        x = (prior_idxs % width + self.offset) * stride_x
        y = (prior_idxs // width % height + self.offset) * stride_y
        return torch.stack([x, y], 1).to(dtype).to(device or default_device())

    def valid_flags(
        self, featmap_sizes: Sequence[Size], pad_shape: Size, device: Device = None
    ) -> list[Tensor]:
        """Flags, per level, the points that lie inside of an image (height, width, ...)."""
        assert self.num_levels == len(featmap_sizes)
        return [
            self.single_level_valid_flags(size, covered_cells(size, pad_shape, stride), device)
            for size, stride in zip(featmap_sizes, self.strides, strict=True)
        ]

    def single_level_valid_flags(
        self, featmap_size: Size, valid_size: Size, device: Device = None
    ) -> Tensor:
        """Flags the points of one level; see :func:`mmdet.boxes.grid.valid_cells`."""
        return valid_cells(featmap_size, valid_size, 1, device)
