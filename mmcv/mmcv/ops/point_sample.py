"""Sampling features at points (PointRend, arXiv:1912.08193)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair


def point_sample(
    input: Tensor, points: Tensor, align_corners: bool = False, **kwargs: object
) -> Tensor:
    """Samples maps at points.

    Args:
        input: (N, C, H, W).
        points: (N, P, 2) or (N, Hg, Wg, 2) x, y in [0, 1].
        align_corners: as in ``F.grid_sample``.
        **kwargs: passed on to ``F.grid_sample``.

    Returns:
        (N, C, P) or (N, C, Hg, Wg).
    """
    is_list = points.dim() == 3
    grid = points.unsqueeze(2) if is_list else points
    output = F.grid_sample(input, grid * 2.0 - 1.0, align_corners=align_corners, **kwargs)  # type: ignore[arg-type]
    return output.squeeze(3) if is_list else output


def generate_grid(
    num_grid: int, size: tuple[int, int], device: str | torch.device = "cpu"
) -> Tensor:
    """Returns the centres of a grid of cells: (num_grid, size[0]·size[1], 2) x, y in [0, 1]."""
    rows = (torch.arange(size[0], device=device) + 0.5) / size[0]
    columns = (torch.arange(size[1], device=device) + 0.5) / size[1]
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1).view(1, -1, 2).expand(num_grid, -1, -1)


def rel_roi_point_to_abs_img_point(rois: Tensor, rel_roi_points: Tensor) -> Tensor:
    """Turns points (N, P, 2) relative to ``rois`` (N, 4) or (N, 5) into pixels of the image."""
    with torch.no_grad():
        boxes = rois[:, 1:] if rois.shape[1] == 5 else rois
        return rel_roi_points * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]


def abs_img_point_to_rel_img_point(
    abs_img_points: Tensor, img: Tensor | tuple[int, ...], spatial_scale: float = 1.0
) -> Tensor:
    """Turns pixels (N, P, 2) into fractions of ``img``, a map or its (H, W)."""
    height, width = img if isinstance(img, tuple) else img.shape[-2:]
    return abs_img_points / abs_img_points.new_tensor([width, height]) * spatial_scale


def rel_roi_point_to_rel_img_point(
    rois: Tensor,
    rel_roi_points: Tensor,
    img: Tensor | tuple[int, ...],
    spatial_scale: float = 1.0,
) -> Tensor:
    """Turns points relative to ``rois`` into fractions of ``img``, a map or its (H, W)."""
    points = rel_roi_point_to_abs_img_point(rois, rel_roi_points)
    return abs_img_point_to_rel_img_point(points, img, spatial_scale)


class SimpleRoIAlign(nn.Module):
    """Samples each region once per bin; ``aligned`` as in RoIAlign."""

    def __init__(
        self, output_size: int | tuple[int, int], spatial_scale: float, aligned: bool = True
    ) -> None:
        super().__init__()
        self.output_size = _pair(output_size)
        self.spatial_scale = float(spatial_scale)
        self.aligned = aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """Samples ``rois`` (N, 5) from ``features`` (B, C, H, W): (N, C, *output_size)."""
        grid = generate_grid(len(rois), self.output_size, device=rois.device)
        output = features.new_zeros(len(rois), features.shape[1], grid.shape[1])
        for image in range(len(features)):
            members = rois[:, 0].long() == image
            if members.any():
                feature = features[image : image + 1]
                points = rel_roi_point_to_rel_img_point(
                    rois[members], grid[members], feature, self.spatial_scale
                )
                sampled = point_sample(
                    feature, points.flatten(0, 1)[None], align_corners=not self.aligned
                )
                output[members] = (
                    sampled[0].view(features.shape[1], -1, grid.shape[1]).transpose(0, 1)
                )
        return output.view(len(rois), features.shape[1], *self.output_size)
