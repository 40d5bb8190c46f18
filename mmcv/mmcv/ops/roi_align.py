"""RoIAlign under its 1.x name, over torchvision's kernel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.utils import _pair


def roi_align(
    input: Tensor,
    rois: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    pool_mode: str = "avg",
    aligned: bool = True,
) -> Tensor:
    """Pools a grid of bilinear samples of each region (arXiv:1703.06870).

    Args:
        input: (B, C, H, W).
        rois: (N, 5) index of the image, then x1 y1 x2 y2.
        output_size: height and width of the grid.
        spatial_scale: size of ``input`` over the size that the boxes refer to.
        sampling_ratio: samples per bin and axis; 0: as many as there are pixels.
        pool_mode: "avg"; "max" is not available.
        aligned: shift by half a pixel, so that sampling is centred.

    Returns:
        (N, C, *output_size).
    """
    from torchvision.ops import roi_align as torchvision_roi_align

    if pool_mode != "avg":
        raise NotImplementedError(
            f"roi_align: pool_mode={pool_mode!r} is not available, only 'avg'"
        )
    size = _pair(output_size)
    rois = rois.to(input.dtype)
    return torchvision_roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned)


class RoIAlign(nn.Module):
    """:func:`roi_align` as a module; ``use_torchvision`` is accepted for 1.x configs."""

    def __init__(
        self,
        output_size: int | tuple[int, int],
        spatial_scale: float = 1.0,
        sampling_ratio: int = 0,
        pool_mode: str = "avg",
        aligned: bool = True,
        use_torchvision: bool = False,
    ) -> None:
        super().__init__()
        self.output_size = _pair(output_size)
        self.spatial_scale = float(spatial_scale)
        self.sampling_ratio = int(sampling_ratio)
        self.pool_mode = pool_mode
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """Pools ``rois`` (N, 5) from ``input`` (B, C, H, W)."""
        return roi_align(
            input,
            rois,
            self.output_size,
            self.spatial_scale,
            self.sampling_ratio,
            self.pool_mode,
            self.aligned,
        )
