"""From normalised batches back to images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmcv.image.checks import require
from mmcv.image.photometric import imdenormalize


def tensor2imgs(
    tensor: Tensor,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    to_rgb: bool = True,
) -> list[np.ndarray]:
    """Undoes normalisation of a batch.

    Args:
        tensor: (N, C, H, W) with 1 or 3 channels.
        mean: per channel; None: 0.
        std: per channel; None: 1.
        to_rgb: whether the images were converted to RGB, and are to be converted back.

    Returns:
        N images (H, W, C), uint8 BGR.
    """
    require(torch.is_tensor(tensor) and tensor.ndim == 4, "tensor must be (N, C, H, W)")
    channels = tensor.size(1)
    require(channels in (1, 3), f"images must have 1 or 3 channels, but got {channels}")
    mean = (0,) * channels if mean is None else mean
    std = (1,) * channels if std is None else std
    require(
        channels == len(mean) == len(std) and (channels == 3 or not to_rgb),
        f"mean and std need {channels} values, and to_rgb needs 3 channels",
    )
    means, stds = np.array(mean, dtype=np.float32), np.array(std, dtype=np.float32)
    images = tensor.cpu().numpy().transpose(0, 2, 3, 1)
    return [
        np.ascontiguousarray(imdenormalize(img, means, stds, to_bgr=to_rgb).astype(np.uint8))
        for img in images
    ]
