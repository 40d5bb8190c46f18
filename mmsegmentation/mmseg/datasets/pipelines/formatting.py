"""Import path of 1.x for the steps that make tensors."""

from mmcv.transforms import (
    Collect,
    DefaultFormatBundle,
    ImageToTensor,
    ToDataContainer,
    ToTensor,
    Transpose,
    to_tensor,
)

__all__ = [
    "Collect",
    "DefaultFormatBundle",
    "ImageToTensor",
    "ToDataContainer",
    "ToTensor",
    "Transpose",
    "to_tensor",
]
