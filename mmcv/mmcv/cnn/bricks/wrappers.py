"""1.x import path of ``mmcv.cnn.wrappers``."""

from mmcv.cnn.wrappers import (
    Conv2d,
    Conv3d,
    ConvTranspose2d,
    ConvTranspose3d,
    Linear,
    MaxPool2d,
    MaxPool3d,
    NewEmptyTensorOp,
    obsolete_torch_version,
)

__all__ = [
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Linear",
    "MaxPool2d",
    "MaxPool3d",
    "NewEmptyTensorOp",
    "obsolete_torch_version",
]
