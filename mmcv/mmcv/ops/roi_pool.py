"""RoIPool under its 1.x name, over torchvision's kernel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.utils import _pair


def roi_pool(
    input: Tensor, rois: Tensor, output_size: int | tuple[int, int], spatial_scale: float = 1.0
) -> Tensor:
    """Takes the maximum of each bin of each region; arguments as in ``roi_align``."""
    from torchvision.ops import roi_pool as torchvision_roi_pool

    return torchvision_roi_pool(input, rois.to(input.dtype), output_size, spatial_scale)


class RoIPool(nn.Module):
    """:func:`roi_pool` as a module."""

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float = 1.0) -> None:
        super().__init__()
        self.output_size = _pair(output_size)
        self.spatial_scale = float(spatial_scale)

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """Pools ``rois`` (N, 5) from ``input`` (B, C, H, W)."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)
