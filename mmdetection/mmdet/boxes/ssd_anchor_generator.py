"""Anchors of SSD (arXiv:1512.02325), of YOLOv3, and those that mmdet 1.0 made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes.anchor_generator import AnchorGenerator
from mmdet.boxes.grid import Device, Size, cpu_tensor, default_device, describe, pair
from mmdet.registry import MODELS

# Percent of the input size of the first level, by input size and start of the ratio range.
FIRST_LEVEL = {300: {0.15: (7, 15), 0.2: (10, 20)}, 512: {0.1: (4, 10), 0.15: (7, 15)}}


@MODELS.register_module()
class SSDAnchorGenerator(AnchorGenerator):
    """Makes two square anchors and two for each further ratio at every cell.

    Args:
        strides: of each level.
        ratios: of each level; each stands for itself and its inverse.
        min_sizes: side of the smaller square of each level; None: from ``basesize_ratio_range``.
        max_sizes: the larger square has the geometric mean of both as its side.
        basesize_ratio_range: smallest and largest side as a share of the input.
        input_size: 300 or 512.
        scale_major: see :class:`AnchorGenerator`.
    """

    def __init__(
        self,
        strides: Sequence[Any],
        ratios: Sequence[Sequence[float]],
        min_sizes: Sequence[float] | None = None,
        max_sizes: Sequence[float] | None = None,
        basesize_ratio_range: tuple[float, float] = (0.15, 0.9),
        input_size: int = 300,
        scale_major: bool = True,
    ) -> None:
        assert len(strides) == len(ratios)
        assert (min_sizes is None) == (max_sizes is None)
        self.strides = [pair(stride) for stride in strides]
        self.centers = [(stride[0] / 2.0, stride[1] / 2.0) for stride in self.strides]
        self.input_size = input_size
        self.basesize_ratio_range = tuple(basesize_ratio_range)
        if min_sizes is None or max_sizes is None:
            min_sizes, max_sizes = self._sizes()
        assert len(min_sizes) == len(max_sizes) == len(strides)
        self.base_sizes = min_sizes
        self.scales = [
            cpu_tensor([1.0, np.sqrt(high / low)])
            for low, high in zip(min_sizes, max_sizes, strict=True)
        ]
        self.ratios = [
            cpu_tensor([1.0] + [side for r in level for side in (1 / r, r)]) for level in ratios
        ]
        self.scale_major = scale_major
        self.center_offset = 0
        self.base_anchors = self.gen_base_anchors()

    def _sizes(self) -> tuple[list[int], list[int]]:
        size, (start, end) = self.input_size, self.basesize_ratio_range
        if size not in FIRST_LEVEL:
            raise ValueError(
                "Only support 300 or 512 in SSDAnchorGenerator when not setting min_sizes and"
                f" max_sizes, got {size}."
            )
        if start not in FIRST_LEVEL[size]:
            possible = " or ".join(map(str, FIRST_LEVEL[size]))
            raise ValueError(
                f"basesize_ratio_range[0] should be either {possible} when input_size is {size},"
                f" got {start}."
            )
        low, high = int(start * 100), int(end * 100)
        step = int(np.floor(high - low) / (self.num_levels - 2))
        pairs = [FIRST_LEVEL[size][start]]
        pairs += [(ratio, ratio + step) for ratio in range(low, high + 1, step)]
        return [int(size * a / 100) for a, _ in pairs], [int(size * b / 100) for _, b in pairs]

    def gen_base_anchors(self) -> list[Tensor]:
        """Makes the anchors (A, 4) of the first cell: the two squares, then the ratios."""
        levels = []
        for level, base_size in enumerate(self.base_sizes):
            anchors = self.gen_single_level_base_anchors(
                base_size,
                scales=self.scales[level],
                ratios=self.ratios[level],
                center=self.centers[level],
            )
            # Of ratios x scales only the first ratio comes in both scales.
            number = len(self.ratios[level])
            levels.append(anchors[[0, number, *range(1, number)]])
        return levels

    def __repr__(self) -> str:
        return describe(
            self,
            [
                "strides",
                "scales",
                "scale_major",
                "input_size",
                "ratios",
                "num_levels",
                "base_sizes",
                "basesize_ratio_range",
            ],
        )


@MODELS.register_module()
class LegacyAnchorGenerator(AnchorGenerator):
    """Makes the anchors of mmdet 1.0: whole numbers, and a width w covers pixels 0 to w - 1."""

    def gen_single_level_base_anchors(
        self,
        base_size: Any,
        scales: Tensor,
        ratios: Tensor,
        center: Sequence[float] | None = None,
    ) -> Tensor:
        """Makes the anchors (A, 4) of one cell; see :class:`AnchorGenerator`."""
        offset = self.center_offset * (base_size - 1)
        x_center, y_center = (offset, offset) if center is None else center
        widths, heights = self._sides(base_size, scales, ratios)
        half_w, half_h = 0.5 * (widths - 1), 0.5 * (heights - 1)
        corners = [x_center - half_w, y_center - half_h, x_center + half_w, y_center + half_h]
        return torch.stack(corners, dim=-1).round()


@MODELS.register_module()
class LegacySSDAnchorGenerator(SSDAnchorGenerator, LegacyAnchorGenerator):
    """Makes the SSD anchors of mmdet 1.0."""

    def __init__(
        self,
        strides: Sequence[float],
        ratios: Sequence[Sequence[float]],
        basesize_ratio_range: tuple[float, float],
        input_size: int = 300,
        scale_major: bool = True,
    ) -> None:
        super().__init__(
            strides=strides,
            ratios=ratios,
            basesize_ratio_range=basesize_ratio_range,
            input_size=input_size,
            scale_major=scale_major,
        )
        self.centers = [((stride - 1) / 2.0, (stride - 1) / 2.0) for stride in strides]
        self.base_anchors = self.gen_base_anchors()


@MODELS.register_module()
class YOLOAnchorGenerator(AnchorGenerator):
    """Makes anchors of given sizes around the middle of every cell.

    Args:
        strides: of each level.
        base_sizes: (width, height) of the anchors of each level, as many on each.
    """

    def __init__(self, strides: Sequence[Any], base_sizes: Sequence[Sequence[Any]]) -> None:
        self.strides = [pair(stride) for stride in strides]
        self.centers = [(stride[0] / 2.0, stride[1] / 2.0) for stride in self.strides]
        assert len({len(level) for level in base_sizes}) <= 1, "levels need as many anchors each"
        self.base_sizes = [[pair(size) for size in level] for level in base_sizes]
        self.base_anchors = self.gen_base_anchors()

    @property
    def num_levels(self) -> int:
        """Number of maps."""
        return len(self.base_sizes)

    def gen_base_anchors(self) -> list[Tensor]:
        """Makes the anchors (A, 4) of the first cell of each level."""
        return [
            self.gen_single_level_base_anchors(sizes, center=center)
            for sizes, center in zip(self.base_sizes, self.centers, strict=True)
        ]

    def gen_single_level_base_anchors(
        self,
        base_size: Any,
        scales: Tensor | None = None,
        ratios: Tensor | None = None,
        center: Sequence[float] | None = None,
    ) -> Tensor:
        """Makes the anchors (A, 4) of one cell from their (width, height) ``base_size``."""
        assert center is not None
        middle, half = cpu_tensor(center), 0.5 * cpu_tensor(base_size)
        return torch.cat([middle - half, middle + half], dim=-1)

    def responsible_flags(
        self, featmap_sizes: Sequence[Size], gt_bboxes: Tensor, device: Device = None
    ) -> list[Tensor]:
        """Flags, per level, the anchors of the cells that hold the centre of an object (G, 4)."""
        assert self.num_levels == len(featmap_sizes)
        return [
            self.single_level_responsible_flags(
                size, gt_bboxes, self.strides[level], self.num_base_priors[level], device=device
            )
            for level, size in enumerate(featmap_sizes)
        ]

    def single_level_responsible_flags(
        self,
        featmap_size: Size,
        gt_bboxes: Tensor,
        stride: Size,
        num_base_anchors: int,
        device: Device = None,
    ) -> Tensor:
        """Flags (height * width * A,) uint8 the anchors of one level."""
        device = device or default_device()
        height, width = featmap_size
        column = ((gt_bboxes[:, 0] + gt_bboxes[:, 2]) * 0.5 / stride[0]).floor().long()
        row = ((gt_bboxes[:, 1] + gt_bboxes[:, 3]) * 0.5 / stride[1]).floor().long()
        flags = torch.zeros(height * width, dtype=torch.uint8, device=device)
        flags[(row * width + column).to(device)] = 1
        return flags[:, None].expand(-1, num_base_anchors).reshape(-1)
