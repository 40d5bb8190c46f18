"""Pipeline steps that both tasks share; they act on the fields that a sample has."""

from mmcv.transforms.compose import Compose, building_with
from mmcv.transforms.cutout import RandomCutOut
from mmcv.transforms.formatting import (
    Collect,
    DefaultFormatBundle,
    ImageToTensor,
    ToDataContainer,
    ToTensor,
    Transpose,
    to_tensor,
)
from mmcv.transforms.geometric import Pad, PadShortSide, RandomFlip, RandomRotate
from mmcv.transforms.labels import MapillaryHack, ToMask
from mmcv.transforms.loading import LoadImageFromFile, read_array
from mmcv.transforms.mosaic import RandomMosaic
from mmcv.transforms.multi_scale_flip import MultiScaleFlipAug
from mmcv.transforms.photometric import (
    CLAHE,
    AdjustGamma,
    Normalize,
    PhotoMetricDistortion,
    Rerange,
    RGB2Gray,
)
from mmcv.transforms.resize import Resize, ResizeToMultiple, SegRescale, SETR_Resize

__all__ = [
    "CLAHE",
    "AdjustGamma",
    "Collect",
    "Compose",
    "DefaultFormatBundle",
    "ImageToTensor",
    "LoadImageFromFile",
    "MapillaryHack",
    "MultiScaleFlipAug",
    "Normalize",
    "Pad",
    "PadShortSide",
    "PhotoMetricDistortion",
    "RGB2Gray",
    "RandomCutOut",
    "RandomFlip",
    "RandomMosaic",
    "RandomRotate",
    "Rerange",
    "Resize",
    "ResizeToMultiple",
    "SETR_Resize",
    "SegRescale",
    "ToDataContainer",
    "ToMask",
    "ToTensor",
    "Transpose",
    "building_with",
    "read_array",
    "to_tensor",
]
